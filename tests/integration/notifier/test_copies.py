"""A post without an answer may land long after it was posted again: in the end there is one message all the same."""

from collections.abc import AsyncIterator

import pytest

from integration.notifier.scripted import FAST, LOST, Desk, ScriptedSlack, Stored, seen
from integration.notifier.test_desk import DONE, STEPS, settled
from opsloop_common.bus import Bus
from opsloop_common.people import Conversation
from opsloop_common.subjects import Subjects
from opsloop_notifier.message import Marker
from opsloop_notifier.office import Pace
from opsloop_notifier.outcome import Ambiguous, Dead, Limited, Outcome, Unsent
from opsloop_notifier.slack import Seen
from unit.notifier.states import QUEUED, RUNNING, changed
from waiting import eventually, until

ROUNDS = Pace(limits=FAST, looks_seconds=(0.01, 0.05), settle_seconds=0.1, sweeps_seconds=(1.0, 2.5))
ANCHOR_KEY = f"{QUEUED.id}.anchor"
CHECK_KEY = f"{QUEUED.id[:2]}.{ANCHOR_KEY}"


@pytest.fixture
async def desk(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> AsyncIterator[Desk]:
    desk = Desk(bus, subjects, slack, pace=ROUNDS)
    desk.start()
    yield desk
    await desk.stop()


async def posted_twice(desk: Desk, slack: ScriptedSlack) -> None:
    """The first post had no answer and was not there, so it was posted again."""
    slack.scripts["post"] = [Ambiguous("timeout")]
    await desk.publish(QUEUED, "queued")
    await settled(desk)


async def no_checks(desk: Desk) -> None:
    async def none() -> bool:
        return not await desk.checks()

    await eventually(none)


@pytest.mark.parametrize("first", [Ambiguous("timeout"), LOST])
async def test_a_copy_that_lands_late_is_deleted(desk: Desk, slack: ScriptedSlack, first: Outcome | Stored) -> None:
    """Posted again or adopted: the copy goes, the one in the ledger stays, and nothing is left to look for."""
    slack.scripts["post"] = [first]
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    (kept,) = slack.anchors
    slack.land(kept.channel, "", kept.message)
    await until(lambda: slack.anchors == [kept])
    assert (await desk.record(ANCHOR_KEY)).ts == kept.ts
    await no_checks(desk)


async def test_one_that_lands_after_the_first_sweep_is_deleted_at_the_next(desk: Desk, slack: ScriptedSlack) -> None:
    """Every sweep looks, not the first alone."""
    await posted_twice(desk, slack)
    (kept,) = slack.anchors
    reads = slack.calls.count("read")
    await until(lambda: slack.calls.count("read") > reads)
    slack.land(kept.channel, "", kept.message)
    await until(lambda: slack.anchors == [kept])


async def test_a_reply_that_lands_late_is_deleted(desk: Desk, slack: ScriptedSlack) -> None:
    """In the thread as in the channel."""
    await desk.publish(changed(RUNNING, percent=20, steps=STEPS[:1]), "step")
    await until(lambda: len(slack.messages) == 2)
    slack.scripts["post"] = [Ambiguous("timeout")]
    await desk.publish(DONE, "succeeded")
    await settled(desk)
    (anchor,) = slack.anchors
    end = slack.messages[-1]
    slack.land(anchor.channel, anchor.ts, end.message)
    await until(lambda: slack.calls.count("delete") == 1)
    assert slack.thread(anchor.ts).count(end.message.text) == 1
    assert end in slack.messages


async def test_what_has_to_be_looked_for_survives_a_restart(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> None:
    """The next owner of the partition looks in place of the first."""
    first = Desk(
        bus,
        subjects,
        slack,
        pace=Pace(limits=FAST, looks_seconds=(0.01, 0.05), settle_seconds=0.1, sweeps_seconds=(2.0,)),
    )
    first.start()
    await posted_twice(first, slack)
    await first.stop()
    assert await first.checks() == [CHECK_KEY]
    (kept,) = slack.anchors
    slack.land(kept.channel, "", kept.message)
    second = Desk(bus, subjects, slack, pace=ROUNDS)
    second.start()
    await until(lambda: slack.anchors == [kept])
    await no_checks(second)
    await second.stop()


async def test_what_others_wrote_is_neither_adopted_nor_deleted(desk: Desk, slack: ScriptedSlack) -> None:
    """Another bot's copy of our marker, or one that we did not sign: a message of ours is posted, theirs stay."""
    slack.scripts["post"] = [Ambiguous("timeout")] * 2
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    marker = seen(slack.anchors[0]).marker
    assert marker is not None
    forged = Seen("0.500000", "B1", Marker(marker.key, "0" * len(marker.mac)))
    slack.foreign += [Seen("0.400000", "B2", marker), forged, Seen("0.300000", "", marker)]
    await no_checks(desk)
    assert "delete" not in slack.calls
    slack.scripts["post"] = [Ambiguous("timeout")]
    other = changed(QUEUED, id="07-" + "c" * 20)
    slack.foreign += [Seen("0.200000", "B2", Marker(f"{other.id}.anchor", marker.mac))]
    await desk.publish(other, "queued")
    await settled(desk)
    assert len(slack.anchors) == 2
    await no_checks(desk)
    assert "delete" not in slack.calls


async def test_a_copy_on_a_later_page_is_found(desk: Desk, slack: ScriptedSlack) -> None:
    """However short the pages are that Slack answers with."""
    slack.page = 2
    await posted_twice(desk, slack)
    (kept,) = slack.anchors
    slack.land(kept.channel, "", kept.message)
    for letter in "cdefg":
        await desk.publish(changed(QUEUED, id="07-" + letter * 20), "queued")
    await until(lambda: slack.calls.count("delete") == 1)
    await settled(desk)
    assert len(slack.anchors) == 6
    assert kept in slack.anchors


async def test_a_history_that_lags_makes_no_second_message_for_long(desk: Desk, slack: ScriptedSlack) -> None:
    """The message was there and could not be seen yet: what was posted again is the one that stays."""
    slack.unseen = 1
    slack.scripts["post"] = [LOST]
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    assert len(slack.anchors) == 2
    slack.unseen = 0
    await until(lambda: len(slack.anchors) == 1)
    assert (await desk.record(ANCHOR_KEY)).ts == slack.anchors[0].ts


async def test_limited_reads_stop_nobody_else(desk: Desk, slack: ScriptedSlack) -> None:
    """A 429 on a read pauses reading alone; what is to be read is read afterwards."""
    slack.scripts["post"] = [LOST]
    slack.scripts["read"] = [Limited(1.0)]
    await desk.publish(QUEUED, "queued")
    await until(lambda: "read" in slack.calls)
    other = changed(QUEUED, id="08-" + "c" * 20, conversation=Conversation("T0OPSLOOP", "C0RANDOM"))
    await desk.publish(other, "queued")
    await desk.publish(changed(DONE, id=other.id, conversation=other.conversation), "succeeded")
    await until(lambda: any("✅" in one.message.text for one in slack.anchors))
    assert slack.calls.count("read") == 1
    await settled(desk)
    assert len(slack.anchors) == 2


async def test_a_copy_that_cannot_be_deleted_at_once_is_deleted_later(desk: Desk, slack: ScriptedSlack) -> None:
    """Limited, lost or without an answer: again, until it is gone."""
    await posted_twice(desk, slack)
    (kept,) = slack.anchors
    slack.scripts["delete"] = [Limited(0.05), Unsent("reset"), Ambiguous("timeout")]
    slack.land(kept.channel, "", kept.message)
    await until(lambda: slack.anchors == [kept])


async def test_a_copy_that_may_not_be_deleted_stops_nothing(desk: Desk, slack: ScriptedSlack) -> None:
    """Slack refuses: that is told in the log, and the checks end."""
    await posted_twice(desk, slack)
    (kept,) = slack.anchors
    slack.scripts["delete"] = [Dead("compliance_exports_prevent_deletion")] * 2
    slack.land(kept.channel, "", kept.message)
    await no_checks(desk)
    assert len(slack.anchors) == 2
    assert slack.calls.count("delete") == 2
