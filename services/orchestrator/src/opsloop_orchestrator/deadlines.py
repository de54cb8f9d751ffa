"""Until when a task may wait, run and go on. Pure: every time follows from the task's state and its kind."""

from datetime import datetime, timedelta

from opsloop_common.catalogue import TaskType
from opsloop_common.events import TaskState

LONGEST_LINE = timedelta(days=1)
"""How long a task waits in line for its target where its kind sets no limit: a line of a hundred slow tasks ends."""


def start_by(task: TaskState, kind: TaskType, start_within: timedelta) -> datetime:
    """Until when a queued task must have started.

    A limit of the catalogue counts from when it was queued, whatever it waits for. `start_within`, the orchestrator's
    own, counts from when it is the task's turn: what it waits for then is a free runner.
    """
    queued_at = task.queued_at or task.requested_at
    if kind.start_within_seconds is not None:
        return queued_at + timedelta(seconds=kind.start_within_seconds)
    if task.place > 0:
        return queued_at + max(LONGEST_LINE, start_within)
    return max(queued_at, task.turn_at or queued_at) + start_within


def close_by(task: TaskState, kind: TaskType) -> datetime | None:
    """Until when a started attempt must have ended, whichever process goes on with it; None before its start."""
    return task.started_at + timedelta(seconds=kind.timeout_seconds) if task.started_at else None


def end_by(task: TaskState, kind: TaskType) -> datetime | None:
    """Until when all attempts must have ended, counted from when a person asked; None for no limit."""
    if kind.total_seconds == 0:
        return None
    return (task.tried_again_at or task.requested_at) + timedelta(seconds=kind.total_seconds)


def run_until(task: TaskState, kind: TaskType, now: datetime) -> datetime:
    """When a task that runs from now on is to be stopped. Finding out whether it took effect has a time of its own."""
    if task.probing:
        return now + timedelta(seconds=kind.probe_seconds)
    return _first(close_by(task, kind), end_by(task, kind)) or now


def look_again_at(task: TaskState, kind: TaskType, start_within: timedelta) -> datetime | None:
    """When something is to be done about a task that nobody runs; None for nothing."""
    if task.retry_at is not None:
        return task.retry_at
    if task.status != "queued":
        return None
    closing = None if task.probing else close_by(task, kind)
    return _first(start_by(task, kind, start_within), closing, end_by(task, kind))


def _first(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
