"""A final view is read back once it has settled, and put right when something else stands there."""

from collections.abc import AsyncIterator

import pytest

from integration.notifier.scripted import FAST, Desk, ScriptedSlack, Visible
from integration.notifier.test_copies import no_checks
from integration.notifier.test_desk import DONE, settled
from opsloop_common.bus import Bus
from opsloop_common.subjects import Subjects
from opsloop_notifier.message import Message
from opsloop_notifier.office import Pace
from opsloop_notifier.outcome import Ambiguous, Dead, Limited
from unit.notifier.states import QUEUED, RUNNING, changed
from waiting import eventually, until

ROUNDS = Pace(limits=FAST, looks_seconds=(0.01, 0.05), settle_seconds=0.3, sweeps_seconds=(0.8, 1.4))
ANCHOR_KEY = f"{QUEUED.id}.anchor"
VIEW_KEY = f"{QUEUED.id[:2]}.{QUEUED.id}.anchor"


@pytest.fixture
async def desk(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> AsyncIterator[Desk]:
    desk = Desk(bus, subjects, slack, pace=ROUNDS)
    desk.start()
    yield desk
    await desk.stop()


async def ended(desk: Desk, slack: ScriptedSlack) -> tuple[Visible, Message]:
    """A task whose end is shown; the card, and an older content of it."""
    await desk.publish(changed(RUNNING, percent=10), "progressed")
    await settled(desk)
    (anchor,) = slack.anchors
    older = anchor.message
    await desk.publish(DONE, "succeeded")
    await settled(desk)
    assert "✅" in anchor.message.text
    return anchor, older


async def test_an_older_update_that_landed_late_is_overwritten(desk: Desk, slack: ScriptedSlack) -> None:
    """The card shows the end again, and nothing else changed."""
    anchor, older = await ended(desk, slack)
    anchor.message = older
    await until(lambda: "✅" in anchor.message.text)
    assert len(slack.messages) == 2
    await no_checks(desk)
    assert (await desk.record(ANCHOR_KEY)).state == "posted"


async def test_a_final_in_order_is_read_once(desk: Desk, slack: ScriptedSlack) -> None:
    """One look, no update, and the check is gone."""
    await ended(desk, slack)
    assert await desk.checks() == [VIEW_KEY]
    updates = slack.calls.count("update")
    await no_checks(desk)
    assert slack.calls.count("read") == 1
    assert slack.calls.count("update") == updates


async def test_all_finals_of_a_channel_are_one_read(desk: Desk, slack: ScriptedSlack) -> None:
    """At most one page of history in the time that a view takes to settle."""
    letters = "bcdefghijk"
    for letter in letters:
        await desk.publish(changed(DONE, id="07-" + letter * 20), "succeeded")
    await until(lambda: sum("✅" in one.message.text for one in slack.anchors) == len(letters))
    await no_checks(desk)
    assert slack.calls.count("read") <= 2


async def test_finals_beyond_a_page_are_read_next(desk: Desk, slack: ScriptedSlack) -> None:
    """What a page does not reach stays due, and is not taken for gone."""
    slack.page = 2
    letters = "bcdefg"
    for letter in letters:
        await desk.publish(changed(DONE, id="07-" + letter * 20), "succeeded")
    await settled(desk)
    await no_checks(desk)
    assert len(slack.anchors) == len(letters)
    assert slack.calls.count("read") >= 3


async def test_a_card_in_doubt_is_read_again_at_the_sweeps(desk: Desk, slack: ScriptedSlack) -> None:
    """One of its updates had no answer: it may land long after the end has settled."""
    await desk.publish(changed(RUNNING, percent=10), "progressed")
    await settled(desk)
    (anchor,) = slack.anchors
    older = anchor.message
    slack.scripts["update"] = [Ambiguous("timeout")]
    await desk.publish(changed(RUNNING, percent=15), "progressed")
    await settled(desk)
    await desk.publish(DONE, "succeeded")
    await until(lambda: slack.calls.count("read") == 1)
    anchor.message = older
    await until(lambda: "✅" in anchor.message.text)
    await no_checks(desk)


async def test_a_final_is_verified_by_whoever_comes_next(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> None:
    """Stopped before the view had settled; the event is long acknowledged."""
    first = Desk(bus, subjects, slack, pace=Pace(limits=FAST, settle_seconds=2.0))
    first.start()
    anchor, older = await ended(first, slack)
    await first.stop()
    anchor.message = older
    second = Desk(bus, subjects, slack, pace=ROUNDS)
    second.start()
    await until(lambda: "✅" in anchor.message.text)
    await no_checks(second)
    await second.stop()


async def test_a_repair_that_was_cut_off_is_completed(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> None:
    """The ledger knows that the view is wrong, and the process died before it was shown again."""
    first = Desk(bus, subjects, slack, pace=ROUNDS)
    first.start()
    anchor, older = await ended(first, slack)
    slack.scripts["update"] = [Limited(30.0)]
    anchor.message = older

    async def known() -> bool:
        return (await first.record(ANCHOR_KEY)).seq == 0

    await eventually(known)
    await first.stop()
    # It may have been stopped before it was limited; the limit is not for the next one.
    slack.scripts["update"] = []
    second = Desk(bus, subjects, slack, pace=ROUNDS)
    second.start()
    await until(lambda: "✅" in anchor.message.text)
    await no_checks(second)
    await second.stop()


async def test_a_deleted_card_is_found_and_posted_anew_once(desk: Desk, slack: ScriptedSlack) -> None:
    """Whoever deletes it again does not want it: then it is undeliverable, and the person is told."""
    anchor, _ = await ended(desk, slack)
    slack.messages.remove(anchor)
    await until(lambda: len(slack.anchors) == 1)
    (again,) = slack.anchors
    assert "✅" in again.message.text

    async def is_posted() -> bool:
        return (await desk.record(ANCHOR_KEY)).state == "posted"

    await eventually(is_posted)
    slack.messages.remove(again)

    async def given_up() -> bool:
        return (await desk.record(ANCHOR_KEY)).state == "undeliverable"

    await eventually(given_up)
    await until(lambda: len(slack.private) == 1)
    await no_checks(desk)
    assert slack.anchors == []


async def test_a_card_that_history_does_not_show_yet_is_not_posted_anew(desk: Desk, slack: ScriptedSlack) -> None:
    """Missing once is no proof."""
    anchor, _ = await ended(desk, slack)
    here = slack.messages.index(anchor)
    slack.messages.remove(anchor)
    await until(lambda: slack.calls.count("read") == 1)
    slack.messages.insert(here, anchor)
    await no_checks(desk)
    assert slack.anchors == [anchor]
    assert slack.calls.count("post") == 2


async def test_where_nobody_may_read_the_checks_end(desk: Desk, slack: ScriptedSlack) -> None:
    """Without the right to read back a final stays unverified."""
    slack.scripts["read"] = [Dead("missing_scope")]
    await ended(desk, slack)
    await no_checks(desk)
    assert slack.calls.count("read") == 1


async def test_a_retry_is_not_taken_for_an_older_view(desk: Desk, slack: ScriptedSlack) -> None:
    """The card starts over before the end had settled: what it shows is newer, and stays."""
    anchor, _ = await ended(desk, slack)
    await desk.publish(changed(QUEUED, attempt=2), "retried")
    await settled(desk)
    await no_checks(desk)
    assert "⏳" in anchor.message.text
