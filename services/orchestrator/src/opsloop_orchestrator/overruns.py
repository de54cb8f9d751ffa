"""A task whose time is over, before it started or while it ran. Pure, like `decide`."""

from datetime import datetime, timedelta

import msgspec

from opsloop_common.catalogue import TaskType
from opsloop_common.events import Failure, TaskState
from opsloop_orchestrator import deadlines, doubts, moves
from opsloop_orchestrator.moves import Move


def unstarted(task: TaskState, kind: TaskType, start_within: timedelta, now: datetime) -> Move | None:
    """The end of a queued task whose time is over; None while it may wait."""
    if task.status != "queued":
        return None
    if _is_over(deadlines.end_by(task, kind), now):
        return _end(task, _total(task, kind), now)
    if not task.probing and _is_over(deadlines.close_by(task, kind), now):
        return _end(task, _overdue(task, kind), now)
    # Who waits for an answer to "who is this" is judged by the rights, at the start.
    if not task.holds_for and _is_over(deadlines.start_by(task, kind, start_within), now):
        return _end(task, _not_started(task, now), now)
    return None


def running(task: TaskState, kind: TaskType, now: datetime, *, has_probe: bool = False) -> Move:
    """The task ran out of time and was stopped. What cannot be repeated may have happened."""
    if _is_over(deadlines.end_by(task, kind), now):
        # Nobody may take it up any more, not even to ask.
        return _stopped(task, kind, _total(task, kind), now, has_probe=False)
    return _stopped(task, kind, _overdue(task, kind), now, has_probe=has_probe)


def silent(task: TaskState, kind: TaskType, now: datetime, *, has_probe: bool = False) -> Move:
    """The task gave no sign of life for too long and was stopped."""
    what = f"{task.task} gave no sign of life for {kind.heartbeat_seconds:g} s and was stopped{moves.where(task)}."
    advice = "Look at its log, then retry it; if it may be silent for longer, raise its heartbeat_seconds."
    return _stopped(task, kind, _Overrun("heartbeat", what, advice), now, has_probe=has_probe)


class _Overrun(msgspec.Struct, frozen=True):
    """What happened, and what to do where nothing has taken effect."""

    code: str
    what: str
    advice: str


def _end(task: TaskState, overrun: _Overrun, now: datetime) -> Move:
    """Of a task that nobody runs: nothing is under way, but what was to be found out stays open."""
    if task.probing:
        return doubts.not_found_out(task, now)
    failure = Failure(code=overrun.code, sentence=f"{overrun.what} {overrun.advice}", step=task.step)
    return moves.failed(task, failure, now)


def _stopped(task: TaskState, kind: TaskType, overrun: _Overrun, now: datetime, *, has_probe: bool) -> Move:
    if kind.effect == "at_most_once" and not task.probing:
        failure = Failure(code=overrun.code, sentence=overrun.what, step=task.step)
        return doubts.stopped_short(task, failure, now, has_probe=has_probe)
    return _end(task, overrun, now)


def _not_started(task: TaskState, now: datetime) -> _Overrun:
    waited_seconds = (now - (task.queued_at or task.requested_at)).total_seconds()
    why = f"{task.behind.task} was still ahead of it" if task.behind else "no orchestrator had room for it"
    what = f"{task.task} was not started: after {waited_seconds:.0f} s {why}."
    return _Overrun("start_timeout", what, "Retry it when there is less to do.")


def _overdue(task: TaskState, kind: TaskType) -> _Overrun:
    what = f"{task.task} did not finish within {kind.timeout_seconds:g} s and was stopped{moves.where(task)}."
    return _Overrun("timeout", what, "Retry it; if it needs longer, raise its timeout_seconds in the catalogue.")


def _total(task: TaskState, kind: TaskType) -> _Overrun:
    what = f"{task.task} did not end within {kind.total_seconds:g} s, all its tries and its waiting included."
    return _Overrun("total_timeout", what, "Retry it; if it needs longer, raise its total_seconds in the catalogue.")


def _is_over(end: datetime | None, now: datetime) -> bool:
    return end is not None and now >= end
