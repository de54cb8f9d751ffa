"""Which replies a thread still lacks: milestones are crossed, never matched, and the end takes the rest along."""

from opsloop_common.events import Behind, FollowUp, Parent, Step
from opsloop_notifier.view import Event, Milestone, due_reply, mentions, tasks_without_link
from unit.notifier import states

STEPS = (Step("Connected", 10), Step("Checked", 45), Step("Repaired", 70))


def test_milestones_are_crossed_with_the_name_of_the_step_at_or_above() -> None:
    """A task that reports 10, 45, 70 has crossed 20, 40 and 60, under the names it has."""
    reply = due_reply(states.changed(states.RUNNING, percent=70, steps=STEPS), set())
    assert reply is not None
    assert reply.slot == "1-60"
    assert reply.milestones == (Milestone(20, "Checked"), Milestone(40, "Checked"), Milestone(60, "Repaired"))


def test_a_milestone_without_a_step_has_no_name() -> None:
    """Progress without steps is shown by its percent alone."""
    reply = due_reply(states.changed(states.RUNNING, percent=30), set())
    assert reply is not None
    assert reply.milestones == (Milestone(20, ""),)


def test_what_is_in_the_thread_is_not_due_again() -> None:
    """A settled slot settles the milestones below it, and the end settles all."""
    running = states.changed(states.RUNNING, percent=70, steps=STEPS)
    assert due_reply(running, {"1-60"}) is None
    assert due_reply(running, {"1-end"}) is None
    reply = due_reply(running, {"1-40", "anchor"})
    assert reply is not None
    assert [milestone.percent for milestone in reply.milestones] == [60]


def test_the_end_takes_missing_milestones_along() -> None:
    """Success after 40 % in the thread: 60, 80 and the end are one reply."""
    done = states.changed(states.RUNNING, status="succeeded", percent=100, steps=STEPS, ended_at=states.ENDED)
    reply = due_reply(done, {"1-40"})
    assert reply is not None
    assert (reply.slot, reply.is_end) == ("1-end", True)
    assert [milestone.percent for milestone in reply.milestones] == [60, 80]


def test_a_failure_claims_no_milestone_it_did_not_reach() -> None:
    """Failed at 45 %: 60 and 80 never happened."""
    reply = due_reply(states.changed(states.RUNNING, status="failed", percent=45, steps=STEPS[:2]), {"1-20"})
    assert reply is not None
    assert [milestone.percent for milestone in reply.milestones] == [40]


def test_an_attempt_has_its_own_slots() -> None:
    """What the first attempt posted says nothing about the second."""
    again = states.changed(states.RUNNING, attempt=2, percent=20)
    reply = due_reply(again, {"1-20", "1-end"})
    assert reply is not None
    assert reply.slot == "2-20"


def test_nothing_is_due_before_a_task_runs() -> None:
    """A queued task has an empty thread."""
    assert due_reply(states.QUEUED, set()) is None


def test_only_a_failure_or_a_long_run_calls_somebody() -> None:
    """Twelve seconds of success call nobody; a failure and 61 seconds do."""
    done = states.changed(states.RUNNING, status="succeeded", ended_at=states.ENDED)
    assert not mentions(done)
    assert mentions(states.changed(done, status="failed"))
    assert mentions(states.changed(done, ended_at=states.START.replace(minute=1, second=1)))
    assert not mentions(states.changed(done, ended_at=states.START.replace(minute=1)))


def test_a_card_wants_the_links_of_the_tasks_it_names() -> None:
    """The one it follows, the one it waits for, those it started; not those that never came to be."""
    became = [FollowUp(task="t", task_id=f"07-{name}", outcome=name) for name in ("started", "joined", "denied")]
    after = states.changed(states.RUNNING, parent=Parent("07-p", "t"), follow_ups=tuple(became))
    assert tasks_without_link(Event(1, after), {}) == ["07-p", "07-started", "07-joined"]
    assert tasks_without_link(Event(1, after), {"07-p", "07-joined"}) == ["07-started"]
    waiting = states.changed(states.QUEUED, behind=Behind("07-b", "t", states.BOB))
    assert tasks_without_link(Event(1, waiting), {}) == ["07-b"]
    assert tasks_without_link(Event(1, states.changed(waiting, status="running")), {}) == []
