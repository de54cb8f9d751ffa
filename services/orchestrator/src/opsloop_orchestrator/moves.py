"""A task's own life: what its worker, its runner and the sweeper may make of it. Pure, like `decide`."""

import math
import re
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from opsloop_common import codec
from opsloop_common.catalogue import Access, Effect, TaskType
from opsloop_common.events import STATE_LIMIT_BYTES, Behind, Failure, FollowUp, Step, TaskState
from opsloop_common.measures import TREND_VALUES_AT_MOST, Measure, Trend
from opsloop_common.people import Person
from opsloop_common.task import Result
from opsloop_orchestrator import deadlines
from opsloop_orchestrator.cards import MEASURES_KEPT, merged

STEPS_KEPT = 40
CLAIMS_AT_MOST = 3
LONGEST_SENTENCE = 600
LONGEST_LINE = 240
LONGEST_NAME = 100
RESULT_LINES_KEPT = 24
HIGHLIGHTS_KEPT = 6
FIGURES_KEPT = 8
FILES_KEPT = 4
LARGEST_STATE = STATE_LIMIT_BYTES - 1024
"""Leaves room for the envelope around the state."""


MAYBE = "It may or may not have taken effect."

_FIGURE = re.compile(r"[a-z][a-z0-9_]{0,60}")


class Move(msgspec.Struct, frozen=True):
    """The next event of a task, and the state it leads to."""

    event: str
    state: TaskState


def queued_behind(task: TaskState, ahead: TaskState | None, place: int, now: datetime) -> TaskState:
    """The task as it waits: behind the holder of its target, at a place in the line; or first, with nobody ahead."""
    if ahead is None or place == 0:
        return replace(task, behind=None, place=0, turn_at=now if task.place else task.turn_at)
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
    )
    return Move("started", replace(state, due_at=deadlines.run_until(state, kind, now)))


def progressed(task: TaskState, percent: int) -> Move:
    """The task says where it is. Never backwards within an attempt."""
    return Move("progressed", replace(_alive(task), percent=max(task.percent, _percent(percent))))


def stalled(task: TaskState, silent_seconds: float, now: datetime) -> Move:
    """The task has given no sign of life for so long; the next one clears it."""
    since = now - timedelta(seconds=silent_seconds)
    return Move("stalled", replace(task, silent_since=since, silent_seconds=silent_seconds))


def step_done(task: TaskState, name: str, percent: int) -> Move:
    """A step is done. A step told before (a resumed attempt) is not told twice."""
    name, percent = name[:LONGEST_NAME], _percent(percent)
    step = Step(name, percent)
    steps = task.steps if step in task.steps else (*task.steps, step)[-STEPS_KEPT:]
    return Move("step", fitted(replace(_alive(task), percent=max(task.percent, percent), step=name, steps=steps)))


def succeeded(task: TaskState, result: Result, now: datetime, measures: tuple[Measure, ...] = ()) -> Move:
    """The end, with the target's numbers as far as they were known in time."""
    state = replace(
        _ended(task, now), status="succeeded", percent=100, result=_bounded(result), measures=measures[:MEASURES_KEPT]
    )
    return Move("succeeded", fitted(state))


def failed(task: TaskState, failure: Failure, now: datetime) -> Move:
    bounded = replace(failure, sentence=failure.sentence[:LONGEST_SENTENCE], step=failure.step[:LONGEST_NAME])
    return Move("failed", fitted(replace(_ended(task, now), status="failed", failure=bounded)))


def cancelled(task: TaskState, now: datetime) -> Move:
    """The task ended because it was told to, or before it began."""
    return Move("cancelled", fitted(replace(_ended(task, now), status="cancelled")))


def stopped(task: TaskState, effect: Effect, now: datetime) -> Move:
    """The task was told to end, did not, and its process was stopped. What cannot be repeated may have happened."""
    if effect != "at_most_once":
        return cancelled(task, now)
    sentence = f"{task.task} was stopped{_how_far(task)}, in the middle of its work. {MAYBE}"
    return unknown(task, "stopped", sentence, now)


def unknown(task: TaskState, code: str, sentence: str, now: datetime) -> Move:
    """The attempt ended, and nobody knows whether it took effect: a person has to look."""
    failure = Failure(code=code, sentence=sentence[:LONGEST_SENTENCE], step=task.step)
    return Move("unknown", fitted(replace(_ended(task, now), status="unknown", failure=failure)))


def cancel_requested(task: TaskState, by: Person, now: datetime) -> TaskState:
    """The task as somebody wants it to end."""
    return replace(task, cancelled_by=by, cancel_at=now)


def began_with(task: TaskState, before: tuple[Measure, ...]) -> TaskState:
    """The task with the numbers of its target as it began."""
    return replace(task, before=before[:MEASURES_KEPT])


def followed(task: TaskState, follow_ups: tuple[FollowUp, ...]) -> Move:
    """What became of the tasks that were to start after this one."""
    return Move("followed", fitted(replace(task, follow_ups=follow_ups)))


def held(task: TaskState) -> Move:
    """The task cannot start, for nobody can tell who asked for it."""
    return Move("waiting", replace(task, holds_for="identity"))


def measured(task: TaskState, found: tuple[Measure, ...]) -> Move | None:
    """Readings that came late, or moved. None when they say nothing new."""
    newest = merged(task.measures, found)
    if task.status != "succeeded" or newest == task.measures:
        return None
    return Move("measured", fitted(replace(task, measures=newest)))


def abandoned(task: TaskState, effect: Effect, now: datetime, *, has_probe: bool = False) -> Move:
    """The process that ran the attempt is gone, and nobody knows how far its current step came.

    What can be repeated safely is queued again under the same attempt and keys. Anything else is queued to find out
    whether it took effect, where its kind has a probe for that; without one it ends as unknown.
    """
    if task.cancelled_by is not None:
        return stopped(task, effect, now)
    is_once = effect == "at_most_once"
    if is_once and (not has_probe or task.claims >= CLAIMS_AT_MOST):
        return unknown(task, "unknown", lost_sentence(task, MAYBE), now)
    if task.claims >= CLAIMS_AT_MOST:
        failure = Failure(code="process_lost", sentence=lost_sentence(task, "Look at its log before you retry it."))
        return failed(task, failure, now)
    return to_be_probed(task, now) if is_once else _queued_again(task, now)


def to_be_probed(task: TaskState, now: datetime) -> Move:
    """Whoever takes it up asks its probe, under the same attempt."""
    return _queued_again(replace(task, probing=True), now)


def _queued_again(task: TaskState, now: datetime) -> Move:
    return Move("queued", replace(_alive(task), status="queued", owner="", due_at=None, queued_at=now))


def handed_over(task: TaskState, effect: Effect, now: datetime, *, has_probe: bool = False) -> Move:
    """The process that ran the attempt stops in good order: another one takes it up, and nothing speaks against it."""
    move = abandoned(replace(task, claims=max(0, task.claims - 1)), effect, now, has_probe=has_probe)
    if move.event != "unknown" or task.cancelled_by is not None:
        return move
    return unknown(task, "unknown", f"{task.task} was stopped{_how_far(task)}, with its process. {MAYBE}", now)


def forgotten(task: TaskState, now: datetime) -> Move:
    """The catalogue no longer has the task type or the target."""
    sentence = (
        f"{task.task} for {task.target} cannot run: the catalogue no longer has both. "
        "Put them back, or start something else."
    )
    return failed(task, Failure(code="not_in_catalogue", sentence=sentence), now)


def not_allowed(task: TaskState, nobody_could_tell: bool, access: Access, now: datetime) -> Move:
    """The rights of whoever asked were looked at again as the task was to start."""
    whom = f" Ask {access.contact}." if access.contact else ""
    why = (
        "nobody could tell in time whether the person who asked for it is verified. Retry it later."
        if nobody_could_tell
        else f"the person who asked for it may not run it (any more).{whom}"
    )
    return failed(task, Failure(code="not_permitted", sentence=f"{task.task} was not started: {why}"), now)


def lost_sentence(task: TaskState, advice: str) -> str:
    return f"The process that ran {task.task} was lost{_how_far(task)}. {advice}"


def where(task: TaskState) -> str:
    """` after the step "One"`; empty before the first."""
    return f' after the step "{task.step}"' if task.step else ""


def _how_far(task: TaskState) -> str:
    return where(task) or " before its first step was done"


def _ended(task: TaskState, now: datetime) -> TaskState:
    return replace(
        _alive(task),
        owner="",
        behind=None,
        place=0,
        holds_for="",
        probing=False,
        unless_done=None,
        due_at=None,
        ended_at=now,
    )


def _alive(task: TaskState) -> TaskState:
    """The task after a sign of life."""
    return replace(task, silent_since=None, silent_seconds=0)


def fitted(task: TaskState) -> TaskState:
    """The state, small enough for an event: what a task says is cut before anything that decides is touched."""
    while len(codec.encode(task)) > LARGEST_STATE:
        smaller = _cut(task)
        if smaller == task:
            break
        task = smaller
    return task


def _cut(task: TaskState) -> TaskState:
    """One cut: result lines from the end, steps from the beginning, then what else a result says, then sentences."""
    if task.result is not None and task.result.lines:
        return replace(task, result=replace(task.result, lines=task.result.lines[: len(task.result.lines) // 2]))
    if len(task.steps) > 1:
        return replace(task, steps=task.steps[len(task.steps) // 2 :])
    result, failure = task.result, task.failure
    if result is not None and (result.trend or result.highlights):
        return replace(
            task, result=replace(result, trend=None, highlights=result.highlights[: len(result.highlights) // 2])
        )
    if result is not None:
        half = len(result.summary) // 2
        result = replace(result, summary=result.summary[:half], partial=result.partial[:half])
    if failure is not None:
        failure = replace(failure, sentence=failure.sentence[: len(failure.sentence) // 2])
    return replace(task, result=result, failure=failure)


def _percent(value: int) -> int:
    return min(100, max(0, value))


def _bounded(result: Result) -> Result:
    figures = [item for item in result.figures.items() if _FIGURE.fullmatch(item[0]) and math.isfinite(item[1])]
    return Result(
        summary=result.summary[:LONGEST_SENTENCE],
        lines=tuple(line[:LONGEST_LINE] for line in result.lines[:RESULT_LINES_KEPT]),
        highlights=tuple(line[:LONGEST_LINE] for line in result.highlights[:HIGHLIGHTS_KEPT]),
        trend=_bounded_trend(result.trend),
        figures=dict(figures[:FIGURES_KEPT]),
        partial=result.partial[:LONGEST_SENTENCE],
        files=tuple(file for file in result.files[:FILES_KEPT] if len(codec.encode(file)) <= LONGEST_LINE),
    )


def _bounded_trend(trend: Trend | None) -> Trend | None:
    """A trend that can be drawn, or none."""
    if trend is None or not trend.values or not all(math.isfinite(value) for value in trend.values):
        return None
    values = trend.values[-TREND_VALUES_AT_MOST:]
    forecast = min(max(0, trend.forecast), len(values))
    return replace(trend, title=trend.title[:LONGEST_NAME], values=values, forecast=forecast)
