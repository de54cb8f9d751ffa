"""Starts ingress: wiring only."""

import os

from opsloop_common import log, runtime, tracing
from opsloop_common.bus import Bus
from opsloop_common.probe import Health
from opsloop_common.runtime import Readiness
from opsloop_common.settings import Environment
from opsloop_ingress import app, server, settings
from opsloop_ingress.counters import Counters
from opsloop_ingress.handover import Handover
from opsloop_ingress.identity import answering
from opsloop_ingress.intake import Intake
from opsloop_ingress.modals import Modals
from opsloop_ingress.runs.names import Names
from opsloop_ingress.runs.website import RunSite
from opsloop_ingress.settings import IngressSettings
from opsloop_ingress.socket_address import Place
from opsloop_ingress.socket_mode import SocketMode


def main() -> None:
    runtime.main("ingress", start)


async def start() -> None:
    """Listens at once, so that the probe answers while the broker is still awaited."""
    found = settings.read(Environment(os.environ))
    log.set_up("ingress", found.service.log_level, found.redactor)
    tracing.set_up("ingress", os.environ)
    counters = Counters()
    readiness = Readiness(counters.registry, found.service.nats_monitor_url)
    handover = Handover(found.service.subjects, counters)
    intake = _intake(found, handover, counters)
    socket_mode = _socket_mode(found, intake, counters)
    runs = RunSite(
        subjects=found.service.subjects, secrets=found.rules.button_secrets, redact=found.redactor, names=Names()
    )
    health = Health(counters.registry, {"broker": readiness.check, "slack": socket_mode.check})
    listening = server.listen(found.service.host, found.service.port)
    print(f"opsloop-ingress: {server.address(listening)}", flush=True)
    try:
        storing = runtime.together(
            handover.unknowns.run(), take_part(found, intake, readiness, socket_mode, counters, runs)
        )
        # What was let in is stored before there is no broker any more.
        async with runtime.staying(storing) as alive:
            await runtime.together(
                server.serve(app.build(intake, health, runs.routes()), listening), runtime.beat(health), alive
            )
    finally:
        if readiness.bus is not None:
            await readiness.bus.close()


def _intake(found: IngressSettings, handover: Handover, counters: Counters) -> Intake:
    return Intake(
        signing_secrets=found.signing_secrets,
        rules=found.rules,
        handover=handover,
        modals=Modals(found.service.subjects, counters),
        counters=counters,
    )


def _socket_mode(found: IngressSettings, intake: Intake, counters: Counters) -> SocketMode:
    place = Place(api_url=found.slack_api_url, app_token=found.app_token, proxy=found.proxy)
    return SocketMode(place=place, intake=intake, open_sockets=counters.sockets)


async def take_part(
    found: IngressSettings,
    intake: Intake,
    readiness: Readiness,
    socket_mode: SocketMode,
    counters: Counters,
    runs: RunSite,
) -> None:
    """Slack gives a request to any open connection, so there is none before its requests can be stored."""
    bus = await attach(found, intake, readiness)
    runs.bus = bus
    await readiness.while_streams_stand(
        socket_mode.run(), answering.run(bus, found, counters), runs.names.serve(found.slack), intake.stay(bus)
    )


async def attach(found: IngressSettings, intake: Intake, readiness: Readiness) -> Bus:
    """Waits for the broker, then for its streams; requests meet a 503 until there is a broker."""
    bus = await runtime.connect(found.service, "ingress")
    readiness.bus = bus
    intake.attach(bus)
    await readiness.wait(bus, found.service.subjects)
    return bus


if __name__ == "__main__":
    main()
