"""The policy: what becomes of a request. Pure: state in, the next state or an answer out.

Nothing here waits, reads a clock or knows a broker. Whoever calls has loaded what is needed and passes the time.
"""

from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from opsloop_common.answers import (
    AnswerBody,
    AnswerState,
    HelpBody,
    LogsBody,
    MovedBody,
    Offer,
    RefusalReason,
    RefusedBody,
    StatusBody,
    UnknownNameBody,
)
from opsloop_common.catalogue import Catalogue, TaskType, nearest
from opsloop_common.commands import AnyCommand, Command, RetryTask, RunTask, ShowHelp, ShowLogs, ShowStatus
from opsloop_common.events import Handled, TaskState
from opsloop_common.measures import Measure
from opsloop_common.task import Target
from opsloop_orchestrator.cards import MEASURES_KEPT
from opsloop_orchestrator.moves import Move

T = TypeVar("T")

HANDLED_KEPT = 16


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
