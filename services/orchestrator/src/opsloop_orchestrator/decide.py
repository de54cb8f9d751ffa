"""The policy: what becomes of a request or a report. Pure: state in, the next state or an answer out.

Nothing here waits, reads a clock or knows a broker. Whoever calls has loaded what is needed and passes the time.
"""

from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from opsloop_common import codec
from opsloop_common.catalogue import Catalogue, Effect, TaskType, nearest
from opsloop_common.events import (
    STATE_LIMIT_BYTES,
    AnswerBody,
    AnswerState,
    AnyCommand,
    CardRun,
    Command,
    Failure,
    Handled,
    HelpBody,
    LogsBody,
    Measure,
    MovedBody,
    Offer,
    RefusalReason,
    RefusedBody,
    RetryTask,
    RunTask,
    ShowHelp,
    ShowLogs,
    ShowStatus,
    StatusBody,
    Step,
    TaskState,
    UnknownNameBody,
)
from opsloop_common.task import Result, Target

T = TypeVar("T")

HANDLED_KEPT = 16
STEPS_KEPT = 40
CARD_RUNS_KEPT = 5
CLAIMS_AT_MOST = 3
MEASURES_KEPT = 8
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


class Answer(msgspec.Struct, frozen=True):
    """The first and only event of an answer: `answered` or `denied`."""

    event: str
    state: AnswerState


class Known(msgspec.Struct, frozen=True):
    """What was looked up for a request: the task it names with the sequence of its state, or the card."""

    catalogue: Catalogue
    task: TaskState | None = None
    sequence: int = 0
    card: AnswerState | None = None


# --- requests -------------------------------------------------------------------------------------------------------


def decide(asked: AnyCommand, known: Known, now: datetime) -> Move | Answer:
    """What a request becomes: a new task, the next attempt of one, or an answer."""
    match asked:
        case RunTask():
            return _run(asked, known, now)
        case RetryTask():
            return _retry(asked, known, now)
        case ShowStatus():
            return _status(asked, known, now)
        case ShowLogs():
            return _logs(asked, known, now)
        case ShowHelp():
            return private(asked, _help(known.catalogue, asked.unknown_word), now)
        case _:
            return refuse(asked, "button_unknown", known.catalogue, now)


def _run(asked: RunTask, known: Known, now: datetime) -> Move | Answer:
    catalogue = known.catalogue
    target_name = asked.target
    if asked.card:
        card = known.card
        if card is None or card.conversation != asked.conversation or not isinstance(card.body, StatusBody):
            return refuse(asked, "button_unknown", catalogue, now, task=asked.task)
        target_name = card.body.target
    kind = _find(asked.task, catalogue.tasks)
    if kind is None:
        return _unknown_name(asked, "task", asked.task, catalogue, now)
    target = _find(target_name, catalogue.targets)
    if target is None:
        return _unknown_name(asked, "target", target_name, catalogue, now)
    if not may_run(asked, kind):
        return refuse(asked, "not_permitted", catalogue, now, task=kind.name, target=target.name)
    return Move("queued", _new_task(asked, kind, target, now))


def _new_task(asked: RunTask, kind: TaskType, target: Target, now: datetime) -> TaskState:
    return TaskState(
        id=asked.request_id,
        task=kind.name,
        target=target.name,
        title=target.title,
        conversation=asked.conversation,
        requested_by=asked.actor,
        requested_at=asked.asked_at,
        status="queued",
        params=asked.params,
        card=asked.card,
        queued_at=now,
    )


def _retry(asked: RetryTask, known: Known, now: datetime) -> Move | Answer:
    task = known.task
    if task is None or task.conversation != asked.conversation:
        return refuse(asked, "button_unknown", known.catalogue, now)
    if was_handled(task, asked):
        return moved(asked, task, now)
    names = {"task": task.task, "target": task.target, "task_id": task.id}
    if task.is_open or asked.drawn_at != known.sequence:
        return refuse(asked, "button_outdated", known.catalogue, now, **names)
    kind = known.catalogue.tasks.get(task.task)
    if task.status != "failed":
        return refuse(asked, "not_failed", known.catalogue, now, **names)
    if kind is None or not may_run(asked, kind):
        return refuse(asked, "not_permitted", known.catalogue, now, **names)
    return Move("queued", _next_attempt(asked, task, now))


def _next_attempt(asked: RetryTask, task: TaskState, now: datetime) -> TaskState:
    handled = (*task.handled, Handled(asked.request_id, "queued"))[-HANDLED_KEPT:]
    return replace(
        task,
        status="queued",
        attempt=task.attempt + 1,
        attempt_by=asked.actor,
        claims=0,
        owner="",
        percent=0,
        step="",
        steps=(),
        queued_at=now,
        started_at=None,
        ended_at=None,
        due_at=None,
        failure=None,
        result=None,
        measures=(),
        handled=handled,
    )


def _status(asked: ShowStatus, known: Known, now: datetime) -> Answer:
    target = _find(asked.target, known.catalogue.targets)
    if target is None:
        return _unknown_name(asked, "target", asked.target, known.catalogue, now)
    body = StatusBody(target=target.name, title=target.title, offers=_offers(known.catalogue))
    return Answer("answered", _answer(asked, body, now, in_conversation=True))


def _logs(asked: ShowLogs, known: Known, now: datetime) -> Answer:
    task = known.task
    if task is None or task.conversation != asked.conversation:
        return refuse(asked, "button_unknown", known.catalogue, now)
    return private(asked, LogsBody(task_id=task.id, task=task.task, target=task.target), now)


def was_handled(task: TaskState, asked: Command) -> bool:
    """Whether this very request already moved the task: it was delivered again."""
    return any(one.request_id == asked.request_id for one in task.handled)


def may_run(asked: Command, kind: TaskType) -> bool:
    """Whether this person may run this kind of task. Denies unless a rule allows.

    A sensitive task needs a verified person, which nothing here can vouch for: it is denied to everybody.
    """
    if kind.sensitive:
        return False
    return "*" in kind.run_by or asked.actor.user in kind.run_by


def is_twin(task: TaskState, other: TaskState) -> bool:
    """Whether running both would do the same thing twice."""
    return task.is_open and (task.task, task.target, task.params) == (other.task, other.target, other.params)


# --- answers --------------------------------------------------------------------------------------------------------


def private(asked: Command, body: AnswerBody, now: datetime) -> Answer:
    return Answer("answered", _answer(asked, body, now))


def refuse(
    asked: Command,
    reason: RefusalReason,
    catalogue: Catalogue,
    now: datetime,
    *,
    task: str = "",
    target: str = "",
    task_id: str = "",
) -> Answer:
    """Says no, to the person who asked alone."""
    body = RefusedBody(reason=reason, command=catalogue.command, task=task, target=target, task_id=task_id)
    return Answer("denied" if reason == "not_permitted" else "answered", _answer(asked, body, now))


def moved(asked: Command, task: TaskState, now: datetime) -> Answer:
    """The request is visible in the task's own message: nothing is said."""
    state = _answer(asked, MovedBody(task_id=task.id, event="queued"), now)
    return Answer("answered", replace(state, visibility="none", answer_url=""))


def with_numbers(answer: Answer, measures: tuple[Measure, ...]) -> Answer:
    """A status card's answer with the numbers of its target."""
    state = answer.state
    if not isinstance(state.body, StatusBody):
        return answer
    return Answer(answer.event, replace(state, body=replace(state.body, measures=measures[:MEASURES_KEPT])))


def _answer(asked: Command, body: AnswerBody, now: datetime, *, in_conversation: bool = False) -> AnswerState:
    return AnswerState(
        id=asked.request_id,
        to=asked.actor,
        conversation=asked.conversation,
        answered_at=now,
        body=body,
        visibility="conversation" if in_conversation else "private",
        answer_url=asked.answer_url,
    )


def _unknown_name(asked: Command, what: str, given: str, catalogue: Catalogue, now: datetime) -> Answer:
    names = list(catalogue.tasks if what == "task" else catalogue.targets)
    close = nearest(given, names) or tuple(sorted(names))[:3]
    body = UnknownNameBody(
        what="task" if what == "task" else "target",
        given=given,
        nearest=close,
        command=asked.command or catalogue.command,
    )
    return private(asked, body, now)


def _help(catalogue: Catalogue, unknown_word: str) -> HelpBody:
    targets = tuple(sorted(catalogue.targets))
    return HelpBody(command=catalogue.command, offers=_offers(catalogue), targets=targets, unknown_word=unknown_word)


def _offers(catalogue: Catalogue) -> tuple[Offer, ...]:
    return tuple(Offer(kind.name, kind.title, kind.description) for kind in catalogue.tasks.values())


def _find(given: str, table: dict[str, T]) -> T | None:
    return table.get(given) or table.get(given.lower())


# --- a task's own life ----------------------------------------------------------------------------------------------


def queued_behind(task: TaskState, holder: str) -> TaskState:
    """The task as it waits: behind the holder of its target, or first in line."""
    return replace(task, waits_for="" if holder == task.id else holder)


def start(task: TaskState, kind: TaskType, owner: str, now: datetime) -> Move:
    """A worker takes the task up. The fence grows, so that an earlier owner can no longer write."""
    state = replace(
        task,
        status="running",
        owner=owner,
        fence=task.fence + 1,
        claims=task.claims + 1,
        waits_for="",
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
    merged = _merged(task.measures, found)
    if task.status != "succeeded" or merged == task.measures:
        return None
    return Move("measured", fitted(replace(task, measures=merged)))


def card_measured(card: AnswerState, found: tuple[Measure, ...]) -> AnswerState | None:
    """A status card with numbers that came late. None when they say nothing new."""
    if not isinstance(card.body, StatusBody):
        return None
    merged = _merged(card.body.measures, found)
    return None if merged == card.body.measures else replace(card, body=replace(card.body, measures=merged))


def lacks_numbers(measures: tuple[Measure, ...]) -> bool:
    return any(one.state == "unavailable" for one in measures)


def _merged(before: tuple[Measure, ...], found: tuple[Measure, ...]) -> tuple[Measure, ...]:
    """The new numbers; a number that is known stays when the new look found nobody to ask, or the same value."""
    known = {one.metric: one for one in before}
    return tuple(_newer(known.get(one.metric), one) for one in found[:MEASURES_KEPT])


def _newer(before: Measure | None, now: Measure) -> Measure:
    if before is None:
        return now
    says_nothing_new = now.state == "unavailable" or (before.state, before.value) == (now.state, now.value)
    return before if says_nothing_new else now


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
    return replace(task, owner="", waits_for="", due_at=None, ended_at=now)


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


# --- cards ----------------------------------------------------------------------------------------------------------


def on_card(card: AnswerState, task: TaskState, sequence: int) -> AnswerState | None:
    """The status card with this task as it is now; None when the card already shows it, or something newer."""
    if not isinstance(card.body, StatusBody):
        return None
    shown = {run.task_id: run for run in card.body.runs}
    before = shown.get(task.id)
    if before is not None and (before.sequence >= sequence or before.status == task.status):
        return None
    shown[task.id] = CardRun(task.id, task.task, task.status, task.tried_by, sequence)
    runs = tuple(shown.values())[-CARD_RUNS_KEPT:]
    return replace(card, body=replace(card.body, runs=runs))
