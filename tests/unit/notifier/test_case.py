"""A case keeps the newest event and the handles that are still owed, whatever the order of deliveries."""

from datetime import UTC, datetime

from opsloop_notifier.case import Case, Held
from opsloop_notifier.view import Event
from unit.notifier.states import FAILED_STATE, QUEUED, RUNNING, TASK_ID, changed


class Handle:
    async def ack(self) -> None:
        raise AssertionError("acknowledged by the desk only")

    async def again(self, delay_seconds: float) -> None:
        raise AssertionError("given back by the desk only")


def held(state: object, sequence: int) -> Held:
    assert isinstance(state, type(QUEUED))
    return Held(Event(sequence, state), datetime(2026, 11, 22, tzinfo=UTC), Handle())


def test_a_redelivery_only_renews_the_handle() -> None:
    """The same event again is not done: its new handle replaces the old, and nothing is acknowledged."""
    case = Case(TASK_ID, held(QUEUED, 1))
    again = held(QUEUED, 1)
    assert case.offer(again) == []
    assert case.newest.handle is again.handle


def test_what_is_overtaken_is_acknowledged() -> None:
    """A newer event wins, whichever came first; the older one's handle is given back."""
    first, second, late = held(QUEUED, 1), held(RUNNING, 2), held(QUEUED, 1)
    case = Case(TASK_ID, first)
    assert case.offer(second) == [first.handle]
    assert case.offer(late) == [late.handle]
    assert case.newest is second


def test_an_earlier_attempt_s_end_is_kept() -> None:
    """A retry does not acknowledge the failure before it; a redelivery of that failure renews its handle."""
    failed, again = held(FAILED_STATE, 3), held(FAILED_STATE, 3)
    case = Case(TASK_ID, failed)
    assert case.offer(held(changed(QUEUED, attempt=2), 4)) == []
    assert case.offer(again) == []
    assert case.ends == {1: again}
    due = case.due_event()
    assert due is again


def test_an_end_that_was_told_is_not_told_again() -> None:
    """The end of the same attempt is one, however many events repeat it."""
    failed = held(FAILED_STATE, 3)
    case = Case(TASK_ID, failed)
    assert case.offer(held(FAILED_STATE, 5)) == [failed.handle]
    assert case.ends == {}
