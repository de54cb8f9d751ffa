"""Starts metrics."""

import os

from prometheus_client import CollectorRegistry

from opsloop_common import log, runtime
from opsloop_common.bus import Bus
from opsloop_common.bus.consume import Consumer
from opsloop_common.bus.consume import Handler as Handle
from opsloop_common.probe import Health
from opsloop_common.redact import Redactor
from opsloop_common.settings import Environment, ServiceSettings
from opsloop_metrics import settings as service
from opsloop_metrics.handle import Handler, recheck
from opsloop_metrics.measure import Running
from opsloop_metrics.series import Series

AT_ONCE = 64


def main() -> None:
    runtime.main("metrics", start)


async def start() -> None:
    env = Environment(os.environ)
    settings = service.read(env)
    env.check()
    log.set_up("metrics", settings.log_level, Redactor())
    registry, readiness = CollectorRegistry(), runtime.Readiness()
    health = Health(registry, {"broker": readiness.check})
    async with runtime.probing(health, settings, "metrics"):
        bus = await runtime.connect(settings, "metrics")
        try:
            await runtime.together(runtime.beat(health), _work(bus, settings, readiness, registry))
        finally:
            await bus.close()


async def _work(bus: Bus, settings: ServiceSettings, readiness: runtime.Readiness, registry: CollectorRegistry) -> None:
    await readiness.wait(bus, settings.subjects)
    running = Running()
    handler = Handler(Series(registry, running), running)
    await runtime.together(
        _consumer(bus, settings, "EVT", handler.event).run(),
        _consumer(bus, settings, "CMD", handler.command).run(),
        recheck(bus, settings.subjects, running),
    )


def _consumer(bus: Bus, settings: ServiceSettings, stream: str, handle: Handle) -> Consumer:
    subjects = settings.subjects
    return Consumer(
        bus,
        service="metrics",
        stream=subjects.stream(stream),
        durable="metrics",
        dead_letters=subjects.dead_letters("metrics"),
        handler=handle,
        capacity=AT_ONCE,
    )


if __name__ == "__main__":
    main()
