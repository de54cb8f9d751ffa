"""Answers as values: what is said to a request, and how a denial is worded for machines. Pure."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from opsloop_common.answers import (
    AnswerBody,
    AnswerState,
    MetricBody,
    MovedBody,
    RefusalReason,
    RefusedBody,
    StatusBody,
    UnknownNameBody,
)
from opsloop_common.catalogue import Catalogue, nearest
from opsloop_common.commands import VERBS, Command
from opsloop_common.events import TaskState
from opsloop_common.measures import Measure, Trend
from opsloop_orchestrator.cards import MEASURES_KEPT
from opsloop_orchestrator.rights import No


class Answer(msgspec.Struct, frozen=True):
    """The first and only event of an answer: `answered` or `denied`."""

    event: str
    state: AnswerState


def private(asked: Command, body: AnswerBody, now: datetime) -> Answer:
    return Answer("answered", addressed(asked, body, now))


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
    command = asked.command or catalogue.command
    body = RefusedBody(reason=reason, command=command, task=task, target=target, task_id=task_id)
    return Answer("answered", addressed(asked, body, now))


def deny(
    asked: Command, no: No, catalogue: Catalogue, now: datetime, *, task: str = "", target: str = "", task_id: str = ""
) -> Answer:
    """Says that this person may not, why, and whom to ask; to that person alone."""
    answer = refuse(asked, no.reason, catalogue, now, task=task, target=target, task_id=task_id)
    owners = tuple(entry for entry in catalogue.access.owners if "@" not in entry)
    said = with_body(answer, identity=no.identity, contact=catalogue.access.contact, owners=owners)
    return Answer("denied", said.state)


def moved(asked: Command, task: TaskState, now: datetime) -> Answer:
    """The request is visible in the task's own message: nothing is said."""
    event = next((one.event for one in task.handled if one.request_id == asked.request_id), task.status)
    state = addressed(asked, MovedBody(task_id=task.id, event=event), now)
    return Answer("answered", replace(state, visibility="none", answer_url=""))


def with_numbers(answer: Answer, measures: tuple[Measure, ...]) -> Answer:
    """A status card's answer with the numbers of its target."""
    state = answer.state
    if not isinstance(state.body, StatusBody):
        return answer
    return Answer(answer.event, replace(state, body=replace(state.body, measures=measures[:MEASURES_KEPT])))


def with_course(answer: Answer, measure: Measure, trend: Trend | None) -> Answer:
    """A metric's answer with what was found out about it."""
    body = answer.state.body
    if not isinstance(body, MetricBody):
        return answer
    return Answer(answer.event, replace(answer.state, body=replace(body, measure=measure, trend=trend)))


def with_body(answer: Answer, **changes: object) -> Answer:
    """The answer with more in its body."""
    return Answer(answer.event, replace(answer.state, body=replace(answer.state.body, **changes)))


def addressed(asked: Command, body: AnswerBody, now: datetime, *, in_conversation: bool = False) -> AnswerState:
    # An operator reads the answer where it is stored; at the chat product there is nobody to tell.
    here: Literal["conversation", "private"] = "conversation" if in_conversation else "private"
    return AnswerState(
        id=asked.request_id,
        to=asked.actor,
        conversation=asked.conversation,
        answered_at=now,
        body=body,
        visibility="none" if asked.actor.is_operator else here,
        answer_url=asked.answer_url,
        verb="" if asked.actor.is_operator else VERBS[type(asked)],
    )


def unknown_name(asked: Command, what: str, given: str, catalogue: Catalogue, now: datetime) -> Answer:
    names = list(catalogue.tasks if what == "task" else catalogue.targets)
    close = nearest(given, names) or tuple(sorted(names))[:3]
    body = UnknownNameBody(
        what="task" if what == "task" else "target",
        given=given,
        nearest=close,
        command=asked.command or catalogue.command,
    )
    return private(asked, body, now)
