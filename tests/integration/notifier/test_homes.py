"""The pages of people: the newest state of each is published, whatever Slack answers, and then nothing is owed."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from integration.notifier.scripted import FAST, LOST, SECRETS, Desk, ScriptedSlack
from integration.notifier.test_desk import settled
from opsloop_common.answers import AnswerState, HelpBody, HomeBody, TaskRow
from opsloop_common.bus import Bus
from opsloop_common.people import Conversation
from opsloop_common.redact import Redactor
from opsloop_notifier.case import Case, Held
from opsloop_notifier.gate import Gate
from opsloop_notifier.homes import Homes
from opsloop_notifier.lanes import Lanes
from opsloop_notifier.mrkdwn import Pen
from opsloop_notifier.outcome import Ambiguous, Dead, Limited, Locked, Malformed, Outcome, Unsent
from opsloop_notifier.slack import Identity
from opsloop_notifier.style import Style
from opsloop_notifier.view import Event
from unit.notifier.states import ALICE, START, TASK_ID, answer, texts
from waiting import until

OWN = Conversation("T0OPSLOOP", "U0ALICE")


def page(target: str) -> AnswerState:
    """A page with one task, for a target that tells it from others."""
    row = TaskRow(id=TASK_ID, task="schema_fix", target=target, status="running", by=ALICE, at=START, sequence=1)
    body = HomeBody(command="/dealershipai", open=(row,))
    return msgspec.structs.replace(answer(body, "home"), conversation=OWN)


def shown(slack: ScriptedSlack) -> list[str]:
    """The target each published page is about."""
    targets = ("first", "second", "third")
    return [next(name for name in targets if name in "".join(texts(view))) for _, view in slack.pages]


async def test_a_page_is_published_and_leaves_no_record(desk: Desk, slack: ScriptedSlack) -> None:
    """To its person, and nobody gets a message; every newer state replaces it."""
    await desk.publish(page("first"), "updated")
    await settled(desk)
    await desk.publish(page("second"), "updated")
    await settled(desk)
    assert [user for user, _ in slack.pages] == ["U0ALICE", "U0ALICE"]
    assert shown(slack) == ["first", "second"]
    assert slack.calls == ["publish_view", "publish_view"]
    assert await desk.records() == {}
    assert desk.owed == 0


async def test_only_the_newest_state_is_published(desk: Desk, slack: ScriptedSlack) -> None:
    """What is overtaken while Slack takes its time is never sent."""
    slack.hold = asyncio.Event()
    await desk.publish(page("first"), "updated")
    await until(lambda: len(slack.pages) == 1)
    await desk.publish(page("second"), "updated")
    await desk.publish(page("third"), "updated")
    await until(lambda: desk.office is not None and desk.owed == 1)
    last = (await desk.bus.client.jetstream().stream_info("EVT")).state.last_seq
    await until(lambda: newest_sequence(desk) == last)
    slack.hold.set()
    await settled(desk)
    assert shown(slack) == ["first", "third"]


def newest_sequence(desk: Desk) -> int:
    assert desk.office is not None
    cases = desk.office.desk._cases.values()
    return max((case.newest.event.sequence for case in cases), default=0)


@pytest.mark.parametrize(
    "told", [Limited(0.05), Ambiguous("HTTP 503"), Unsent("refused"), Locked("token_expired"), LOST]
)
async def test_what_may_come_right_is_tried_again(desk: Desk, slack: ScriptedSlack, told: Outcome) -> None:
    """Until the page is published; saying the same twice does no harm."""
    slack.scripts["publish_view"] = [told]
    await desk.publish(page("first"), "updated")
    await settled(desk)
    assert set(shown(slack)) == {"first"}
    assert slack.calls.count("publish_view") == 2


@pytest.mark.parametrize("told", [Dead("not_enabled"), Malformed("invalid_arguments", "/view/blocks/0")])
async def test_what_is_refused_is_logged_and_over(
    desk: Desk, slack: ScriptedSlack, caplog: pytest.LogCaptureFixture, told: Dead | Malformed
) -> None:
    """A home that is not enabled, or content Slack does not take, is nobody's debt; the next state is tried."""
    slack.scripts["publish_view"] = [told]
    await desk.publish(page("first"), "updated")
    await settled(desk)
    assert slack.pages == []
    assert told.error in caplog.text
    await desk.publish(page("second"), "updated")
    await settled(desk)
    assert shown(slack) == ["second"]


async def test_a_repeated_delivery_does_not_turn_a_page_back(desk: Desk, slack: ScriptedSlack) -> None:
    """The broker may deliver an older state once more, long after a newer one: the newer one is what is shown."""
    first = await desk.publish(page("first"), "updated")
    await desk.publish(page("second"), "updated")
    await settled(desk)
    handle = Handle()
    assert desk.office is not None
    desk.office.desk.take(page("first").id, Held(Event(first, page("first")), datetime.now(UTC), handle))
    await until(lambda: handle.is_acknowledged)
    assert shown(slack)[-1] == "second"


class Handle:
    def __init__(self) -> None:
        self.is_acknowledged = False

    async def ack(self) -> None:
        self.is_acknowledged = True

    async def again(self, delay_seconds: float) -> None:
        raise AssertionError("it was shown")


async def test_a_newer_state_of_another_replica_wins(slack: ScriptedSlack) -> None:
    """Whoever publishes an older state last looks once more, and then shows the newer one."""
    news: list[Event | None] = [None, Event(5, page("third"))]

    async def newest(id: str) -> Event | None:
        return news.pop(0) if len(news) > 1 else news[0]

    gate = Gate(slack.identify)
    watching = asyncio.create_task(gate.watch())
    case = Case(page("first").id, Held(Event(1, page("first")), datetime.now(UTC), Handle()))
    await Homes(slack, Lanes(FAST), gate, newest, Style(SECRETS, Pen(Redactor(SECRETS)))).run(case)
    watching.cancel()
    assert shown(slack) == ["first", "third"]


async def test_a_gone_token_holds_pages_back(desk: Desk, slack: ScriptedSlack) -> None:
    """While Slack refuses the token nothing is sent; then the page is."""
    slack.identity = Locked("token_revoked")
    slack.scripts["publish_view"] = [Locked("token_revoked")]
    await desk.publish(page("first"), "updated")
    await until(lambda: slack.identified >= 3)
    assert slack.pages == []
    slack.identity = Identity("opsloop", "B1")
    await settled(desk)
    assert shown(slack) == ["first"]


async def test_what_is_no_page_is_a_dead_letter(desk: Desk, bus: Bus, slack: ScriptedSlack) -> None:
    """An answer that nobody can draw on a page holds up nothing."""
    await desk.publish(answer(HelpBody(command="/d", offers=(), targets=()), "home"), "updated")
    await desk.publish(page("first"), "updated")
    await settled(desk)
    assert shown(slack) == ["first"]
    assert len(await bus.read("DLQ", "ops.dlq.notifier.>")) == 1
