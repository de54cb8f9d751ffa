"""Trying again: the next attempt of a task, asked for by a person or by the catalogue. Pure, like `decide`."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from opsloop_common.catalogue import TaskType
from opsloop_common.events import TaskState
from opsloop_common.people import Person
from opsloop_orchestrator import deadlines
from opsloop_orchestrator.moves import Move

NEVER_MENDED = frozenset({"start_timeout", "total_timeout", "not_in_catalogue", "not_permitted"})
"""Codes of our own that another try cannot mend."""


def or_again(move: Move, kind: TaskType | None, now: datetime) -> Move:
    """The end of an attempt; a failure that the catalogue wants to be tried again says when."""
    task = move.state
    if move.event != "failed" or task.failure is None or kind is None or task.cancelled_by is not None:
        return move
    retry = kind.retry
    if task.tries >= retry.attempts or task.failure.code in NEVER_MENDED | set(retry.not_for):
        return move
    retry_at = now + timedelta(seconds=retry.pause_seconds(task.tries))
    end_by = deadlines.end_by(task, kind)
    if end_by is not None and retry_at >= end_by:
        return move
    return Move("failed", replace(task, retry_at=retry_at, tries_at_most=retry.attempts))


def by_itself(task: TaskState, sequence: int, now: datetime) -> Move:
    """The next attempt of a failed task whose pause is over. `sequence` is that of its state."""
    state = replace(_next(task, sequence, now), attempt_by=task.attempt_by, tries=task.tries + 1)
    return Move("queued", replace(state, tries_at_most=task.tries_at_most, tried_again_at=task.tried_again_at))


def by_person(task: TaskState, person: Person, sequence: int, now: datetime) -> Move:
    """The next attempt, as somebody wants it: the count of tries and the time for all of them begin anew."""
    return Move("queued", replace(_next(task, sequence, now), attempt_by=person, tried_again_at=now))


def given_up(task: TaskState, by: Person, now: datetime) -> Move:
    """Somebody does not want a failed task to be tried again."""
    return Move("given_up", replace(task, retry_at=None, cancelled_by=by, cancel_at=now))


def _next(task: TaskState, sequence: int, now: datetime) -> TaskState:
    """What stays is what was asked; what the attempts before did is gone."""
    return TaskState(
        id=task.id,
        task=task.task,
        target=task.target,
        title=task.title,
        conversation=task.conversation,
        requested_by=task.requested_by,
        requested_at=task.requested_at,
        status="queued",
        params=task.params,
        card=task.card,
        parent=task.parent,
        depth=task.depth,
        attempt=task.attempt + 1,
        fence=task.fence,
        tried_from=sequence,
        queued_at=now,
        handled=task.handled,
    )
