"""What a message adds to the series."""

from datetime import UTC, datetime, timedelta

import pytest

from opsloop_common.answers import AnswerState, MovedBody, RefusedBody
from opsloop_common.events import Status, TaskState
from opsloop_common.people import Conversation, Person
from opsloop_metrics.measure import Answered, Ended, Running, Seen, answered, ended

AT = datetime(2026, 1, 1, tzinfo=UTC)
WHO = Person("T", "U")
WHERE = Conversation("T", "C")


def task(status: Status, id: str = "07-aaaaaaaaaaaaaaaaaaaa", seconds: float | None = 2.5) -> TaskState:
    return TaskState(
        id=id,
        task="schema_fix",
        target="a",
        title="A",
        conversation=WHERE,
        requested_by=WHO,
        requested_at=AT,
        status=status,
        started_at=None if seconds is None else AT,
        ended_at=None if seconds is None else AT + timedelta(seconds=seconds),
    )


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "unknown"])
def test_every_end_is_counted_with_its_duration(status: Status) -> None:
    """Each of the four ends is an outcome of its own."""
    assert ended(status, task(status)) == Ended("schema_fix", status, 2.5)


def test_an_event_that_is_no_end_counts_no_run() -> None:
    """Only the end of an attempt is a run."""
    assert ended("progressed", task("running")) is None


def test_an_attempt_that_never_started_has_no_duration() -> None:
    """What never ran is counted but not timed."""
    assert ended("cancelled", task("cancelled", seconds=None)) == Ended("schema_fix", "cancelled", None)


def test_a_clock_that_went_back_gives_no_negative_duration() -> None:
    """Two hosts' clocks may differ; a histogram must not see a negative value."""
    assert ended("failed", task("failed", seconds=-1.0)) == Ended("schema_fix", "failed", 0.0)


def test_refusals_are_counted_by_their_reason() -> None:
    """An answer is counted by its kind, a refusal also by why."""
    refused = RefusedBody(reason="too_late", command="/x")
    bodies = (MovedBody(task_id="i", event="queued"), refused)
    states = [
        AnswerState(id="i", to=WHO, conversation=WHERE, answered_at=AT, body=body, visibility="none") for body in bodies
    ]
    assert [answered(state) for state in states] == [Answered("moved", ""), Answered("refused", "too_late")]


def test_running_tasks_are_those_started_and_not_ended() -> None:
    """A start adds, an end or a drop removes, and progress of a task that started elsewhere adds nothing."""
    running = Running()
    running.note("started", task("running", "1"))
    running.note("started", task("running", "2"))
    running.note("progressed", task("running", "3"))
    assert running.count("schema_fix") == 2
    running.note("failed", task("failed", "1"))
    running.drop("2")
    assert running.count("schema_fix") == 0


def test_a_redelivered_message_is_not_new() -> None:
    """Only a higher sequence of the same id counts again."""
    seen = Seen()
    assert [seen.is_new("a", 5), seen.is_new("a", 5), seen.is_new("a", 4), seen.is_new("a", 6)] == [
        True,
        False,
        False,
        True,
    ]


def test_memory_of_ids_is_bounded() -> None:
    """The ids longest unheard of are forgotten first."""
    seen = Seen(remembered=2)
    assert [seen.is_new(id, 1) for id in ("a", "b", "c")] == [True, True, True]
    assert not seen.is_new("c", 1)
    assert seen.is_new("a", 1)
