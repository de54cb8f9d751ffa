"""What Slack does after it was believed to have done nothing: copies go, older views are drawn over, nothing else is
touched."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest

from integration.notifier.scripted import FAST, Desk, ScriptedSlack, Visible
from integration.orchestrator.loop import eventually
from opsloop_common.bus import Bus
from opsloop_common.subjects import Subjects
from opsloop_notifier.message import Message
from opsloop_notifier.office import Pace
from opsloop_notifier.outcome import Ambiguous, Dead
from unit.notifier.states import ENDED, QUEUED, RUNNING, changed
from waiting import until

PACE = Pace(limits=FAST, looks_seconds=(0.01, 0.02), settle_seconds=0.3, sweeps_seconds=(0.4, 1.2))
DONE = changed(RUNNING, status="succeeded", percent=100, ended_at=ENDED)
KEY = f"{QUEUED.id}.anchor"


@pytest.fixture
def slack() -> ScriptedSlack:
    return ScriptedSlack()


@pytest.fixture
async def desk(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> AsyncIterator[Desk]:
    found = Desk(bus, subjects, slack, pace=PACE)
    found.start()
    yield found
    await found.stop()


async def noted(desk: Desk) -> list[str]:
    found = await desk.bus.newest_of_each("KV_CHECKS", "$KV.CHECKS.>")
    return [one.subject for one in found if one.data]


async def nothing_is_noted(desk: Desk) -> None:
    async def given_up() -> bool | None:
        return None if await noted(desk) else True

    await eventually(given_up)


async def test_a_copy_that_lands_after_the_second_post_is_deleted(desk: Desk, slack: ScriptedSlack) -> None:
    """The first post was never answered and not to be found; posted again; then the first one lands after all."""
    slack.scripts["post"] = [Ambiguous("HTTP 500")]
    await desk.publish(QUEUED, "queued")
    await until(lambda: len(slack.anchors) == 1)
    first = slack.anchors[0]
    slack.messages.append(Visible("C0OPS", "9999.1", "", first.message, []))
    await until(lambda: [one.ts for one in slack.anchors] == [first.ts])
    await nothing_is_noted(desk)
    assert slack.calls.count("delete") == 1


async def test_looks_survive_the_process(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> None:
    """Whoever owns the partition next looks in its place."""
    slack.scripts["post"] = [Ambiguous("HTTP 500")]
    first = Desk(bus, subjects, slack, pace=msgspec.structs.replace(PACE, sweeps_seconds=(600.0,)))
    first.start()
    await first.publish(QUEUED, "queued")
    await until(lambda: len(slack.anchors) == 1)
    await first.stop()
    (subject,) = await noted(first)
    stored = await bus.last("KV_CHECKS", subject)
    assert stored is not None
    overdue = msgspec.json.decode(stored.data) | {"due": [datetime(2026, 1, 1, tzinfo=UTC).isoformat()]}
    await bus.publish(subject, msgspec.json.encode(overdue))
    slack.messages.append(Visible("C0OPS", "9999.1", "", slack.anchors[0].message, []))
    second = Desk(bus, subjects, slack, pace=PACE)
    second.start()
    await until(lambda: len(slack.anchors) == 1)
    await second.stop()


async def test_an_older_view_that_lands_last_is_drawn_over(desk: Desk, slack: ScriptedSlack) -> None:
    """The end was shown; an update of before lands then; once it has settled the end is shown again."""
    await desk.publish(QUEUED, "queued")
    await desk.publish(changed(RUNNING, percent=40), "started")
    await until(lambda: "40%" in str(slack.anchors[:1] and slack.anchors[0].message.blocks))
    old = slack.anchors[0].message
    await desk.publish(DONE, "succeeded")
    await until(lambda: "100%" in str(slack.anchors[0].message.blocks))
    slack.anchors[0].message = old
    await until(lambda: "100%" in str(slack.anchors[0].message.blocks))
    await nothing_is_noted(desk)
    assert (await desk.records())[KEY] == "posted"


async def test_an_update_that_was_never_answered_is_looked_at_again_much_later(
    desk: Desk, slack: ScriptedSlack
) -> None:
    """After the end has settled too: what was lost on its way may land any time."""
    await desk.publish(QUEUED, "queued")
    await until(lambda: len(slack.anchors) == 1)
    old = slack.anchors[0].message
    slack.scripts["update"] = [Ambiguous("timeout")]
    await desk.publish(DONE, "succeeded")
    await until(lambda: "100%" in str(slack.anchors[0].message.blocks))
    await asyncio.sleep(0.8)
    slack.anchors[0].message = old
    await until(lambda: "100%" in str(slack.anchors[0].message.blocks))
    await nothing_is_noted(desk)


async def test_a_card_that_was_deleted_is_found_missing_and_posted_anew_once(desk: Desk, slack: ScriptedSlack) -> None:
    """Also when nobody updates it any more; whoever deletes it again does not want it."""
    await desk.publish(DONE, "succeeded")
    await until(lambda: len(slack.messages) == 2)
    first = slack.anchors[0].ts
    slack.messages = [one for one in slack.messages if one.ts != first]
    await until(lambda: [one.ts for one in slack.anchors] not in ([], [first]))
    again = slack.anchors[0].ts
    slack.messages = [one for one in slack.messages if one.ts != again]
    await nothing_is_noted(desk)
    assert slack.anchors == []
    assert (await desk.records())[KEY] == "undeliverable"


async def test_a_forged_copy_is_never_deleted_nor_adopted(desk: Desk, slack: ScriptedSlack) -> None:
    """Our key with a signature that is not ours: whoever put it there keeps it."""
    slack.scripts["post"] = [Ambiguous("HTTP 500")]
    forged = Message("mine", [], {"event_payload": {"key": KEY, "mac": "0" * 20, "version": "1"}})
    slack.messages.append(Visible("C0OPS", "1.5", "", forged, []))
    await desk.publish(QUEUED, "queued")
    await until(lambda: len(slack.anchors) == 2)
    await nothing_is_noted(desk)
    assert "1.5" in [one.ts for one in slack.anchors]
    assert "delete" not in slack.calls


async def test_where_nobody_may_read_nothing_is_looked_for_for_ever(desk: Desk, slack: ScriptedSlack) -> None:
    """The note is given up, the card stays as Slack confirmed it."""
    slack.scripts["read"] = [Dead("missing_scope")] * 5
    await desk.publish(DONE, "succeeded")
    await until(lambda: len(slack.messages) == 2)
    await nothing_is_noted(desk)
    assert (await desk.records())[KEY] == "posted"


async def test_one_read_serves_all_ends_of_a_channel(desk: Desk, slack: ScriptedSlack) -> None:
    """Ten tasks that end together are looked at with one page of history."""
    for number in range(10):
        await desk.publish(changed(DONE, id=f"07-{'a' * 19}{'abcdefghij'[number]}", target=f"t{number}"), "succeeded")
    await until(lambda: len(slack.messages) == 20)
    await nothing_is_noted(desk)
    assert slack.calls.count("read") <= 4
