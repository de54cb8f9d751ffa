"""Ingress in this process, on a port of its own, with a broker of the test's choice."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import msgspec

from integration.ingress import wire
from integration.ingress.wire import Answer
from opsloop_common.bus import Bus
from opsloop_common.probe import Health
from opsloop_common.subjects import Subjects
from opsloop_ingress import app, server
from opsloop_ingress.asked import Kind
from opsloop_ingress.counters import Counters
from opsloop_ingress.handover import CommandBus, Handover
from opsloop_ingress.intake import Intake
from opsloop_ingress.modals import Modals
from opsloop_ingress.rules import Rules
from unit.ingress import slack

FORM = "application/x-www-form-urlencoded"
PATHS: dict[Kind, tuple[str, str]] = {
    "command": ("/slack/commands", FORM),
    "interaction": ("/slack/interactions", FORM),
    "event": ("/slack/events", "application/json"),
}
NEW_SECRET = "the-next-signing-secret"
RULES = Rules(button_secrets=(slack.BUTTON_SECRET,), teams=frozenset({"T0OPSLOOP"}), apps=frozenset({"A0OPSLOOP"}))


class Running(msgspec.Struct, frozen=True):
    port: int
    handover: Handover
    counters: Counters

    async def send(self, kind: Kind, body: bytes, **changes: str) -> Answer:
        """A request as Slack signs it now; changes replace headers, and an empty one leaves it out."""
        path, _ = PATHS[kind]
        return await wire.post(self.port, path, headers(kind, body, **changes), body)

    def counted(self, name: str, **labels: str) -> float:
        return self.counters.registry.get_sample_value(name, labels) or 0.0


def headers(kind: Kind, body: bytes, secret: str = slack.SIGNING_SECRET, **changes: str) -> list[tuple[str, str]]:
    timestamp = changes.get("timestamp", str(int(time.time())))
    found = {
        "Content-Type": changes.get("content_type", PATHS[kind][1]),
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": changes.get("signature", slack.signature(body, timestamp, secret)),
        "Content-Encoding": changes.get("content_encoding", ""),
    }
    return [(name, value) for name, value in found.items() if value]


@contextlib.asynccontextmanager
async def ingress(bus: CommandBus | None, rules: Rules = RULES) -> AsyncIterator[Running]:
    """Forms need a real broker; with another one they are never opened."""
    counters = Counters()
    handover = Handover(Subjects(), counters)
    modals = Modals(Subjects(), counters)
    handover.bus = bus
    modals.bus = bus if isinstance(bus, Bus) else None
    intake = Intake(
        signing_secrets=(slack.SIGNING_SECRET.encode(), NEW_SECRET.encode()),
        rules=rules,
        handover=handover,
        modals=modals,
        counters=counters,
    )
    listening = server.listen("127.0.0.1", 0)
    port = int(listening.getsockname()[1])
    application = app.build(intake, Health(counters.registry, {"broker": lambda: ""}))
    jobs = [asyncio.ensure_future(job) for job in (server.serve(application, listening), handover.unknowns.run())]
    try:
        yield Running(port, handover, counters)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.wait(jobs)
