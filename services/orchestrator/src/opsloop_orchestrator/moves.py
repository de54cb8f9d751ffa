"""A task's own life: what its worker, its runner and the sweeper may make of it. Pure, like `decide`."""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from opsloop_common import codec
from opsloop_common.catalogue import Effect, TaskType
from opsloop_common.events import STATE_LIMIT_BYTES, Behind, Failure, Step, TaskState
from opsloop_common.measures import Measure
from opsloop_common.task import Result
from opsloop_orchestrator.cards import MEASURES_KEPT, merged

STEPS_KEPT = 40
CLAIMS_AT_MOST = 3
LONGEST_SENTENCE = 600
LONGEST_LINE = 240
LONGEST_NAME = 100
RESULT_LINES_KEPT = 24
LARGEST_STATE = STATE_LIMIT_BYTES - 1024
"""Leaves room for the envelope around the state."""


class Move(msgspec.Struct, frozen=True):
    """The next event of a task, and the state it leads to."""

    event: str
    state: TaskState


def queued_behind(task: TaskState, ahead: TaskState | None, place: int) -> TaskState:
    """The task as it waits: behind the holder of its target, at a place in the line; or first, with nobody ahead."""
    if ahead is None or place == 0:
        return replace(task, behind=None, place=0)
    return replace(task, behind=Behind(ahead.id, ahead.task, ahead.tried_by), place=place)


def start(task: TaskState, kind: TaskType, owner: str, now: datetime) -> Move:
    """A worker takes the task up. The fence grows, so that an earlier owner can no longer write."""
    state = replace(
        task,
        status="running",
        owner=owner,
        fence=task.fence + 1,
        claims=task.claims + 1,
        behind=None,
        place=0,
        holds_for="",
        started_at=task.started_at or now,
        due_at=now + timedelta(seconds=kind.timeout_seconds),
    )
    return Move("started", state)


def progressed(task: TaskState, percent: int) -> Move:
    """The task says where it is. Never backwards within an attempt."""
    return Move("progressed", replace(task, percent=max(task.percent, _percent(percent))))


def step_done(task: TaskState, name: str, percent: int) -> Move:
    """A step is done. A step told before (a resumed attempt) is not told twice."""
    name, percent = name[:LONGEST_NAME], _percent(percent)
    step = Step(name, percent)
    steps = task.steps if step in task.steps else (*task.steps, step)[-STEPS_KEPT:]
    return Move("step", fitted(replace(task, percent=max(task.percent, percent), step=name, steps=steps)))


def succeeded(task: TaskState, result: Result, now: datetime, measures: tuple[Measure, ...] = ()) -> Move:
    """The end, with the target's numbers as far as they were known in time."""
    state = replace(
        _ended(task, now), status="succeeded", percent=100, result=_bounded(result), measures=measures[:MEASURES_KEPT]
    )
    return Move("succeeded", fitted(state))


def failed(task: TaskState, failure: Failure, now: datetime) -> Move:
    bounded = replace(failure, sentence=failure.sentence[:LONGEST_SENTENCE], step=failure.step[:LONGEST_NAME])
    return Move("failed", fitted(replace(_ended(task, now), status="failed", failure=bounded)))


def measured(task: TaskState, found: tuple[Measure, ...]) -> Move | None:
    """Readings that came late, or moved. None when they say nothing new."""
    newest = merged(task.measures, found)
    if task.status != "succeeded" or newest == task.measures:
        return None
    return Move("measured", fitted(replace(task, measures=newest)))


def overdue(task: TaskState, kind: TaskType, now: datetime) -> Move:
    """The attempt ran out of time and was stopped."""
    where = f' after the step "{task.step}"' if task.step else ""
    sentence = (
        f"{task.task} did not finish within {kind.timeout_seconds:g} s and was stopped{where}. "
        "Retry it; if it needs longer, raise its timeout_seconds in the catalogue."
    )
    return failed(task, Failure(code="timeout", sentence=sentence, step=task.step), now)


def abandoned(task: TaskState, effect: Effect, now: datetime) -> Move:
    """The process that ran the attempt is gone, and nobody knows how far its current step came.

    What can be repeated safely is queued again under the same attempt and keys; anything else ends as unknown.
    """
    if effect == "at_most_once":
        failure = Failure(code="unknown", sentence=_lost_sentence(task, "It may or may not have taken effect."))
        return Move("unknown", replace(_ended(task, now), status="unknown", failure=failure))
    if task.claims >= CLAIMS_AT_MOST:
        failure = Failure(code="process_lost", sentence=_lost_sentence(task, "Look at its log before you retry it."))
        return failed(task, failure, now)
    return Move("queued", replace(task, status="queued", owner="", due_at=None, queued_at=now))


def forgotten(task: TaskState, now: datetime) -> Move:
    """The catalogue no longer has the task type or the target."""
    sentence = (
        f"{task.task} for {task.target} cannot run: the catalogue no longer has both. "
        "Put them back, or start something else."
    )
    return failed(task, Failure(code="not_in_catalogue", sentence=sentence), now)


def _lost_sentence(task: TaskState, advice: str) -> str:
    where = f' after the step "{task.step}"' if task.step else " before its first step was done"
    return f"The process that ran {task.task} was lost{where}. {advice}"


def _ended(task: TaskState, now: datetime) -> TaskState:
    return replace(task, owner="", behind=None, place=0, holds_for="", due_at=None, ended_at=now)


def fitted(task: TaskState) -> TaskState:
    """The state, small enough for an event: what a task says is cut before anything that decides is touched."""
    while len(codec.encode(task)) > LARGEST_STATE:
        smaller = _cut(task)
        if smaller == task:
            break
        task = smaller
    return task


def _cut(task: TaskState) -> TaskState:
    """One cut: result lines from the end, steps from the beginning, then the sentences."""
    if task.result is not None and task.result.lines:
        return replace(task, result=replace(task.result, lines=task.result.lines[: len(task.result.lines) // 2]))
    if len(task.steps) > 1:
        return replace(task, steps=task.steps[len(task.steps) // 2 :])
    result, failure = task.result, task.failure
    if result is not None:
        result = replace(result, summary=result.summary[: len(result.summary) // 2])
    if failure is not None:
        failure = replace(failure, sentence=failure.sentence[: len(failure.sentence) // 2])
    return replace(task, result=result, failure=failure)


def _percent(value: int) -> int:
    return min(100, max(0, value))


def _bounded(result: Result) -> Result:
    lines = tuple(line[:LONGEST_LINE] for line in result.lines[:RESULT_LINES_KEPT])
    return Result(summary=result.summary[:LONGEST_SENTENCE], lines=lines)
