"""Commands of which nobody knows whether they were stored."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from opsloop_common.bus import Refused, Unconfirmed, Unsent
from opsloop_common.commands import AnyCommand, ShowHelp, TellStored
from opsloop_common.people import OPERATORS, Person
from opsloop_common.subjects import Subjects
from opsloop_ingress import decode, refusal, unknowns
from opsloop_ingress.counters import Counters
from opsloop_ingress.handover import Handover, Unavailable
from opsloop_ingress.rules import Rules
from opsloop_ingress.unknowns import Unknowns
from unit.ingress import slack
from unit.ingress.test_handover import HELP, FakeBus
from waiting import until


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknowns, "PAUSE_SECONDS", 0.001)


@contextlib.asynccontextmanager
async def running(waiting: Unknowns) -> AsyncIterator[None]:
    task = asyncio.create_task(waiting.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def counted(counters: Counters, outcome: str) -> float:
    return counters.registry.get_sample_value("ingress_unknown_commands_total", {"outcome": outcome}) or 0.0


async def test_what_was_stored_late_is_told() -> None:
    """It is sent again until it is known, and then a further command asks that its message says so."""
    counters, sent, outcomes = Counters(), list[AnyCommand](), [False, False, True, False, True]

    async def store(command: AnyCommand) -> bool:
        sent.append(command)
        return outcomes.pop(0)

    waiting = Unknowns(store, counters)
    async with running(waiting):
        waiting.add(HELP)
        waiting.add(HELP)
        await until(lambda: not outcomes)
    assert [type(command) for command in sent] == [ShowHelp] * 3 + [TellStored] * 2
    last = sent[-1]
    assert isinstance(last, TellStored)
    assert (last.stored_id, last.conversation) == (HELP.request_id, HELP.conversation)
    assert counted(counters, "dropped") == 0


async def test_what_stays_unknown_is_dropped_and_counted() -> None:
    """Beyond the bound, after a command's life, and when the process stops."""

    tried: list[AnyCommand] = []

    async def never(command: AnyCommand) -> bool:
        tried.append(command)
        return False

    counters = Counters()
    waiting = Unknowns(never, counters, at_most=1)
    async with running(waiting):
        waiting.add(HELP)
        waiting.add(replace(HELP, request_id="07-bbbbbbbbbbbbbbbbbbbb"))
        assert counted(counters, "dropped") == 1
        await until(lambda: bool(tried))
    assert counted(counters, "dropped") == 2
    counters = Counters()
    waiting = Unknowns(never, counters, life_seconds=0.01)
    async with running(waiting):
        waiting.add(HELP)
        await until(lambda: counted(counters, "dropped") == 1)
    assert counted(counters, "dropped") == 1


@pytest.mark.parametrize(
    ("outcomes", "remains"),
    [
        ([Unsent("away")] * 1000, 0),
        ([Refused("full")], 0),
        ([Unconfirmed("x")] * 1000, 1),
        ([Unconfirmed("x"), *[Unsent("away")] * 1000], 1),
        ([Unconfirmed("x"), Refused("full")], 1),
        ([Unconfirmed("x")], None),
    ],
    ids=["never-sent", "refused", "unknown", "unknown-then-away", "unknown-then-refused", "confirmed"],
)
async def test_only_what_may_be_stored_is_sent_again(outcomes: list[Exception], remains: int | None) -> None:
    """A command that never left, or was refused, leaves nothing; None: it was confirmed after all."""
    counters = Counters()
    handover = Handover(Subjects(), counters, deadline_seconds=0.3)
    handover.bus = FakeBus(*outcomes)
    with contextlib.nullcontext() if remains is None else pytest.raises(Unavailable):
        await handover.store(HELP)
    assert counters.registry.get_sample_value("ingress_unknown_commands_now") == (remains or 0)


@pytest.mark.parametrize("team", [OPERATORS, "OPERATOR:root", "operator:root"])
def test_nobody_at_slack_is_an_operator(team: str) -> None:
    """Even a signed request that names their workspace is refused: it is no id of Slack's."""
    body = urlencode(slack.command_fields("help", team_id=team)).encode()
    with pytest.raises(refusal.Refused):
        decode.decode("command", body, datetime.now(UTC), Rules(button_secrets=(slack.BUTTON_SECRET,)))


def test_an_operator_is_known_by_the_workspace() -> None:
    """And by nothing else: a user of Slack may be called anything."""
    assert Person(OPERATORS, "operator:root").is_operator
    assert not Person("T0", "operator:root").is_operator
