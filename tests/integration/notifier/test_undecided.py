"""The ledger leaves nothing undecided: what was begun and is due no more is closed, by whoever owns it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from integration.notifier.scripted import Desk, ScriptedSlack
from integration.notifier.test_copies import ROUNDS
from integration.notifier.test_desk import DONE, FAILED, STEPS, settled
from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.subjects import Subjects
from opsloop_notifier.ledger import Record, RecordState
from opsloop_notifier.outcome import Dead, Limited
from unit.notifier.states import QUEUED, RUNNING, changed
from waiting import until

ANCHOR_KEY = f"{QUEUED.id}.anchor"


@pytest.fixture
async def desk(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> AsyncIterator[Desk]:
    desk = Desk(bus, subjects, slack, pace=ROUNDS)
    desk.start()
    yield desk
    await desk.stop()


async def leave(desk: Desk, slot: str, state: RecordState) -> None:
    """What a process wrote that died then."""
    before = datetime.now(UTC) - timedelta(minutes=1)
    record = Record(state=state, intent_at=before, channel="C0OPS", seq=1, tries=1)
    await desk.bus.publish(f"$KV.LEDGER.{QUEUED.id}.{slot}", codec.encode(record))


async def test_a_reply_in_a_channel_that_died_is_closed(desk: Desk, slack: ScriptedSlack) -> None:
    """Its record was begun; then the channel was archived, and nothing is due in the thread any more."""
    await desk.publish(changed(RUNNING, percent=0), "started")
    await settled(desk)
    slack.scripts["post"] = [Limited(0.3)]
    slack.scripts["update"] = [Dead("is_archived")] * 2
    await desk.publish(changed(RUNNING, percent=25, steps=STEPS[:1]), "step")
    await settled(desk)
    records = await desk.records()
    assert records[ANCHOR_KEY] == "undeliverable"
    assert not {"intent", "sending"} & set(records.values()), records


async def test_an_update_that_an_archived_channel_refuses_ends(desk: Desk, slack: ScriptedSlack) -> None:
    """The person is told once; when the task ends there is one more try, and no other."""
    await desk.publish(changed(RUNNING, percent=0), "started")
    await settled(desk)
    slack.scripts["update"] = [Dead("is_archived")] * 9
    await desk.publish(changed(RUNNING, percent=10), "progressed")
    await settled(desk)
    await desk.publish(changed(RUNNING, percent=12), "progressed")
    await settled(desk)
    assert slack.calls.count("update") == 1
    await desk.publish(FAILED, "failed")
    await settled(desk)
    assert slack.calls.count("update") == 2
    assert len(slack.private) == 1
    assert (await desk.records())[ANCHOR_KEY] == "undeliverable"


async def test_a_channel_that_lives_again_shows_the_end(desk: Desk, slack: ScriptedSlack) -> None:
    """The one more try works: card and thread are complete, and nothing is left undecided."""
    await desk.publish(changed(RUNNING, percent=0), "started")
    await settled(desk)
    slack.scripts["update"] = [Dead("is_archived")]
    await desk.publish(changed(RUNNING, percent=25, steps=STEPS[:1]), "step")
    await settled(desk)
    await desk.publish(DONE, "succeeded")
    await settled(desk)
    (anchor,) = slack.anchors
    assert "✅" in anchor.message.text
    assert "Completed" in slack.thread(anchor.ts)[-1]
    assert not {"intent", "sending"} & set((await desk.records()).values())


async def test_a_notice_nobody_needs_any_more_is_closed(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> None:
    """The person was about to be told that the channel is dead; by then the card could be posted."""
    first = Desk(bus, subjects, slack, pace=ROUNDS)
    first.start()
    slack.scripts["post"] = [Dead("not_in_channel")]
    slack.scripts["ephemeral"] = [Limited(30.0)]
    await first.publish(QUEUED, "queued")
    await until(lambda: "ephemeral" in slack.calls)
    await first.stop()
    await leave(first, "private", "intent")
    second = Desk(bus, subjects, slack, pace=ROUNDS)
    await second.publish(DONE, "succeeded")
    second.start()
    await until(lambda: any("✅" in one.message.text for one in slack.anchors))
    await settled(second)
    assert not {"intent", "sending"} & set((await second.records()).values()), await second.records()
    await second.stop()


@pytest.mark.parametrize("state", ["intent", "sending"])
@pytest.mark.parametrize("slot", ["1-20", "1-confirmed"])
async def test_a_reply_of_an_earlier_attempt_is_closed(
    bus: Bus, subjects: Subjects, slack: ScriptedSlack, state: RecordState, slot: str
) -> None:
    """It died while it was posting; the attempt is over, and the retry owes no such reply."""
    desk = Desk(bus, subjects, slack, pace=ROUNDS)
    desk.start()
    await desk.publish(FAILED, "failed")
    await settled(desk)
    await desk.stop()
    await leave(desk, slot, state)
    await desk.publish(changed(DONE, attempt=2), "succeeded")
    desk.start()
    await settled(desk)
    assert (await desk.records())[f"{QUEUED.id}.{slot}"] == "superseded"
    await desk.stop()
