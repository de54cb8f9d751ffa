"""A command is stored and confirmed, or known not to be confirmed."""

import asyncio
from datetime import UTC, datetime

import pytest

from opsloop_common import codec
from opsloop_common.bus import Refused, Unconfirmed
from opsloop_common.commands import ShowHelp
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import Subjects
from opsloop_ingress.counters import Counters
from opsloop_ingress.handover import Handover, Unavailable

HELP = ShowHelp(
    request_id="07-abcdefghijklmnopqrst",
    actor=Person("T", "U"),
    conversation=Conversation("T", "C"),
    asked_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class FakeBus:
    """Answers with each outcome in turn, and then stores."""

    def __init__(self, *outcomes: Exception) -> None:
        self._outcomes = list(outcomes)
        self.sent: list[tuple[str, bytes, str]] = []

    async def publish(
        self, subject: str, payload: bytes, *, message_id: str = "", deadline_seconds: float = 2.0
    ) -> int:
        self.sent.append((subject, payload, message_id))
        if self._outcomes:
            raise self._outcomes.pop(0)
        return 1


class SilentBus:
    async def publish(
        self, subject: str, payload: bytes, *, message_id: str = "", deadline_seconds: float = 2.0
    ) -> int:
        await asyncio.Event().wait()
        raise AssertionError


async def test_message_is_complete() -> None:
    """The message on the bus is a CloudEvent under the request's id, on the subject of its verb."""
    handover, bus = Handover(Subjects("mine"), Counters()), FakeBus()
    handover.bus = bus
    await handover.store(HELP)
    [(subject, payload, message_id)] = bus.sent
    envelope = codec.decode_command(payload)
    assert (subject, message_id) == ("mine.cmd.help", HELP.request_id)
    assert (envelope.id, envelope.subject, envelope.source) == (HELP.request_id, HELP.request_id, "opsloop/ingress")
    assert envelope.data == HELP


async def test_unknown_outcome_is_repeated_under_the_same_id() -> None:
    """A publish without an answer is sent again until it is confirmed."""
    handover, bus = Handover(Subjects(), Counters()), FakeBus(Unconfirmed("x"), Unconfirmed("x"))
    handover.bus = bus
    await handover.store(HELP)
    assert [message_id for _, _, message_id in bus.sent] == [HELP.request_id] * 3
    assert len({payload for _, payload, _ in bus.sent}) == 1


async def test_refused_is_told_at_once() -> None:
    """A full or missing stream is not asked twice."""
    handover, bus = Handover(Subjects(), Counters()), FakeBus(Refused("full"))
    handover.bus = bus
    with pytest.raises(Unavailable, match="broker_refused"):
        await handover.store(HELP)
    assert len(bus.sent) == 1


async def test_silence_ends_at_the_deadline() -> None:
    """Whatever the broker does, the answer comes within the deadline."""
    handover = Handover(Subjects(), Counters(), deadline_seconds=0.05)
    for bus in (SilentBus(), FakeBus(*[Unconfirmed("x")] * 1000)):
        handover.bus = bus
        with pytest.raises(Unavailable, match="unconfirmed"):
            await asyncio.wait_for(handover.store(HELP), 1)


async def test_no_broker_yet() -> None:
    """Before the first connection nothing is promised."""
    with pytest.raises(Unavailable, match="no_broker"):
        await Handover(Subjects(), Counters()).store(HELP)
