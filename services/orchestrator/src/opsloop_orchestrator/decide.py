"""The policy: what becomes of a request. Pure: state in, the next state or an answer out.

Nothing here waits, reads a clock or knows a broker. Whoever calls has loaded what is needed and passes the time.
"""

from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from opsloop_common import params
from opsloop_common.answers import (
    AnswerState,
    HelpBody,
    LogsBody,
    MetricBody,
    Offer,
    ParamProblem,
    PressedBody,
    StatusBody,
    TaskRow,
)
from opsloop_common.catalogue import Catalogue, TaskType
from opsloop_common.commands import (
    AnyCommand,
    CancelTask,
    Command,
    ConfirmHappened,
    ExplainButton,
    PressButton,
    RetryTask,
    RunAgain,
    RunTask,
    ShowHelp,
    ShowLogs,
    ShowMetric,
    ShowStatus,
    ShowTargets,
    ShowTask,
    ShowTasks,
)
from opsloop_common.events import Handled, TaskState
from opsloop_common.measures import Measure
from opsloop_common.people import Identity, Person
from opsloop_common.task import Target
from opsloop_orchestrator import doubts, lists, moves, rights, tries
from opsloop_orchestrator.answering import Answer, addressed, deny, moved, private, refuse, unknown_name, with_body
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.rights import No

T = TypeVar("T")

HANDLED_KEPT = 16


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked up for a request.

    The task it names with the sequence of its state, or the card; the rows of the tasks it asks to be listed; and who
    asks, where that matters (None: nobody was asked).
    """

    catalogue: Catalogue
    task: TaskState | None = None
    sequence: int = 0
    card: AnswerState | None = None
    rows: tuple[TaskRow, ...] = ()
    identity: Identity | None = None


def decide(asked: AnyCommand, known: Known, now: datetime) -> Move | Answer:
    """What a request becomes: a new task, the next state of one, or an answer."""
    match asked:
        case RunTask():
            return _run(asked, known, now)
        case RetryTask() | ConfirmHappened() | RunAgain() | CancelTask() if known.task and known.task.external:
            # Nothing of it runs here. Whoever sends this button took the name of another one.
            return refuse(asked, "button_unknown", known.catalogue, now)
        case PressButton():
            return _press(asked, known, now)
        case RetryTask() | ConfirmHappened() | RunAgain():
            return _after_the_end(asked, known, now)
        case CancelTask():
            return _cancel(asked, known, now)
        case ShowStatus():
            return _status(asked, known, now)
        case ShowMetric():
            return _metric(asked, known, now)
        case ShowTargets():
            return private(asked, lists.targets(known.catalogue, _command(asked, known), known.rows), now)
        case ShowTasks():
            return _tasks(asked, known, now)
        case ShowTask():
            return _task(asked, known, now)
        case ShowLogs():
            return _logs(asked, known, now)
        case ShowHelp():
            return private(asked, _help(known, asked), now)
        case ExplainButton(reason="no_form"):
            return refuse(asked, "no_form", known.catalogue, now)
        case _:
            return refuse(asked, "button_unknown", known.catalogue, now)


def asks_who(asked: AnyCommand, known: Known) -> bool:
    """Whether the decision depends on who the person is, beyond their user id."""
    tasks = known.catalogue.tasks
    match asked:
        case RunTask():
            kind = _find(asked.task, tasks)
            return kind is not None and kind.asks_who
        case RetryTask() | CancelTask() | ConfirmHappened() | RunAgain():
            if known.task is None:
                return False
            kind = tasks.get(known.task.task)
            is_run = not isinstance(asked, CancelTask) and kind is not None and kind.asks_who
            is_own = asked.actor in (known.task.requested_by, known.task.tried_by)
            return is_run or (not is_own and rights.owners_need_identity(known.catalogue.access))
        case PressButton():
            # Whoever is verified is named so to the publisher.
            return known.task is not None and known.task.external is not None
        case ShowStatus() | ShowHelp():
            return any(kind.asks_who for kind in tasks.values())
        case _:
            return False


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
        return unknown_name(asked, "task", asked.task, catalogue, now)
    target = _find(target_name, catalogue.targets)
    if target is None:
        return unknown_name(asked, "target", target_name, catalogue, now)
    if no := rights.may_run(asked.actor, kind, known.identity):
        return deny(asked, no, catalogue, now, task=kind.name, target=target.name)
    if wrong := params.problems(asked.params, kind.params):
        problems = tuple(ParamProblem(name, sentence) for name, sentence in wrong.items())
        answer = refuse(asked, "bad_params", catalogue, now, task=kind.name, target=target.name)
        return with_body(answer, problems=problems)
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
        params=params.filled(asked.params, kind.params),
        card=asked.card,
        queued_at=now,
    )


def _after_the_end(asked: RetryTask | ConfirmHappened | RunAgain, known: Known, now: datetime) -> Move | Answer:
    """A failed task is retried; one whose outcome is unknown is said to have happened, or is run again."""
    task = known.task
    if task is None or not is_in_reach(asked, task):
        return refuse(asked, "button_unknown", known.catalogue, now)
    if was_handled(task, asked):
        return moved(asked, task, now)
    names = {"task": task.task, "target": task.target, "task_id": task.id}
    if task.is_open or asked.drawn_at != known.sequence:
        return refuse(asked, "button_outdated", known.catalogue, now, **names)
    if task.status != ("failed" if isinstance(asked, RetryTask) else "unknown"):
        return refuse(asked, "not_failed", known.catalogue, now, **names)
    if no := _may_not(asked, task, known):
        return deny(asked, no, known.catalogue, now, **names)
    if isinstance(asked, ConfirmHappened):
        move = doubts.confirmed(task, asked.actor)
    else:
        move = tries.by_person(task, asked.actor, known.sequence, now)
    return _caused_by(move, asked)


def _may_not(asked: RetryTask | ConfirmHappened | RunAgain, task: TaskState, known: Known) -> No | None:
    """Whoever decides about a task that ended must be allowed to run it, too: at the click, not only at its start."""
    if no := rights.may_handle(asked.actor, task, known.catalogue.access, known.identity):
        return no
    kind = known.catalogue.tasks.get(task.task)
    return No("not_permitted") if kind is None else rights.may_run(asked.actor, kind, known.identity)


def _cancel(asked: CancelTask, known: Known, now: datetime) -> Move | Answer:
    task = known.task
    if task is None or not is_in_reach(asked, task):
        return refuse(asked, "button_unknown", known.catalogue, now)
    if was_handled(task, asked):
        return moved(asked, task, now)
    names = {"task": task.task, "target": task.target, "task_id": task.id}
    if asked.drawn_at <= task.tried_from:
        return refuse(asked, "button_outdated", known.catalogue, now, **names)
    if task.is_settled:
        return with_body(refuse(asked, "cancel_too_late", known.catalogue, now, **names), status=task.status)
    if no := rights.may_handle(asked.actor, task, known.catalogue.access, known.identity):
        return deny(asked, no, known.catalogue, now, **names)
    if task.cancelled_by is not None:
        return moved(asked, task, now)
    return _caused_by(_without(task, asked.actor, now), asked)


def _without(task: TaskState, by: Person, now: datetime) -> Move:
    """What becomes of a task that somebody wants to end."""
    if task.retry_at is not None:
        return tries.given_up(task, by, now)
    wanted = moves.cancel_requested(task, by, now)
    if task.status == "running":
        return Move("cancel_requested", wanted)
    # One that may have taken effect, and waits to be looked at, cannot be said to have been cancelled.
    return moves.stopped(wanted, "at_most_once" if task.probing else "idempotent", now)


def _caused_by(move: Move, asked: Command) -> Move:
    """The move, with the request among those that moved the task: delivered again, it is only answered again."""
    handled = (*move.state.handled, Handled(asked.request_id, move.event))[-HANDLED_KEPT:]
    return Move(move.event, replace(move.state, handled=handled))


def _press(asked: PressButton, known: Known, now: datetime) -> Answer:
    task = known.task
    external = task.external if task is not None else None
    publisher = known.catalogue.publishers.get(external.publisher) if external is not None else None
    if task is None or external is None or publisher is None or not is_in_reach(asked, task):
        return refuse(asked, "button_unknown", known.catalogue, now)
    names = {"task": task.task, "target": task.target, "task_id": task.id}
    if asked.drawn_at <= external.buttons_from or not 1 <= asked.button <= len(external.buttons):
        return refuse(asked, "button_outdated", known.catalogue, now, **names)
    if no := rights.may_press(asked.actor, publisher, known.identity):
        return deny(asked, no, known.catalogue, now, **names)
    label = external.buttons[asked.button - 1].label
    return private(asked, PressedBody(task_id=task.id, publisher=publisher.title, label=label), now)


def _status(asked: ShowStatus, known: Known, now: datetime) -> Answer:
    target = _find(asked.target, known.catalogue.targets)
    if target is None:
        return unknown_name(asked, "target", asked.target, known.catalogue, now)
    body = StatusBody(target=target.name, title=target.title, offers=_offers(asked, known))
    return Answer("answered", addressed(asked, body, now, in_conversation=True))


def _metric(asked: ShowMetric, known: Known, now: datetime) -> Answer:
    target = _find(asked.target, known.catalogue.targets)
    if target is None:
        return unknown_name(asked, "target", asked.target, known.catalogue, now)
    metric = known.catalogue.metrics.get(asked.metric)
    if metric is None:
        return refuse(asked, "button_unknown", known.catalogue, now)
    unread = Measure(metric=metric.name, title=metric.title, unit=metric.unit, state="unavailable")
    return private(asked, MetricBody(target=target.name, title=target.title, measure=unread), now)


def _tasks(asked: ShowTasks, known: Known, now: datetime) -> Answer:
    target = _find(asked.target, known.catalogue.targets) if asked.target else None
    if asked.target and target is None:
        return unknown_name(asked, "target", asked.target, known.catalogue, now)
    name = target.name if target else ""
    rows = [row for row in known.rows if not name or row.target == name]
    return private(asked, lists.tasks(_command(asked, known), name, rows), now)


def _task(asked: ShowTask, known: Known, now: datetime) -> Answer:
    task = known.task
    if task is None or task.conversation.workspace != asked.conversation.workspace:
        return with_body(refuse(asked, "no_such_task", known.catalogue, now), given=asked.task_id)
    return private(asked, lists.one(task, row_of(task, known.sequence, now)), now)


def _logs(asked: ShowLogs, known: Known, now: datetime) -> Answer:
    task = known.task
    if task is None or not is_in_reach(asked, task):
        return refuse(asked, "button_unknown", known.catalogue, now)
    return private(asked, LogsBody(task_id=task.id, task=task.task, target=task.target), now)


def row_of(task: TaskState, sequence: int, at: datetime) -> TaskRow:
    """The task as a list shows it; `at` is the time of the event with this sequence."""
    return TaskRow(
        id=task.id,
        task=task.task,
        target=task.target,
        status=task.status,
        by=task.tried_by,
        at=task.ended_at or at,
        sequence=sequence,
        attempt=task.attempt,
        cancelling=task.status == "running" and task.cancelled_by is not None,
        title=task.external.title if task.external else "",
    )


def is_in_reach(asked: Command, task: TaskState) -> bool:
    """Whether the request comes from where the task is shown: its conversation, or the page of whoever asked for it."""
    is_home = asked.conversation.channel == asked.actor.user
    is_own = asked.actor in (task.requested_by, task.tried_by)
    return asked.conversation == task.conversation or (is_home and is_own)


def was_handled(task: TaskState, asked: Command) -> bool:
    """Whether this very request already moved the task: it was delivered again."""
    return any(one.request_id == asked.request_id for one in task.handled)


def is_twin(task: TaskState, other: TaskState) -> bool:
    """Whether running both would do the same thing twice."""
    return task.is_open and (task.task, task.target, task.params) == (other.task, other.target, other.params)


def _help(known: Known, asked: ShowHelp) -> HelpBody:
    catalogue = known.catalogue
    return HelpBody(
        command=_command(asked, known),
        offers=_offers(asked, known),
        targets=tuple(sorted(catalogue.targets)),
        unknown_word=asked.unknown_word,
        words=tuple(Offer(metric.word, metric.title) for metric in catalogue.metrics.values() if metric.word),
    )


def _offers(asked: Command, known: Known) -> tuple[Offer, ...]:
    """What this person may run."""
    return tuple(
        Offer(kind.name, kind.title, kind.description)
        for kind in known.catalogue.tasks.values()
        if rights.may_run(asked.actor, kind, known.identity) is None
    )


def _command(asked: Command, known: Known) -> str:
    return asked.command or known.catalogue.command


def _find(given: str, table: dict[str, T]) -> T | None:
    return table.get(given) or table.get(given.lower())
