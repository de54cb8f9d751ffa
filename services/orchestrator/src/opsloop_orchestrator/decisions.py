"""Decisions as the audit keeps them. Pure."""

from opsloop_common import commands
from opsloop_common.answers import AnswerState, RefusedBody
from opsloop_common.audit import Decision, hash_of
from opsloop_common.commands import Command
from opsloop_common.events import TaskState


def allowed(asked: Command, task: TaskState) -> Decision:
    """Somebody may move this task as they asked."""
    return Decision(
        action=commands.VERBS[type(asked)],
        actor=asked.actor,
        conversation=asked.conversation,
        task=task.task,
        target=task.target,
        task_id=task.id,
        outcome="allow",
        arguments=hash_of(task.params),
    )


def followed(task: TaskState) -> Decision:
    """A task starts after another, in the name of whoever began the chain."""
    return Decision(
        action="follow",
        actor=task.requested_by,
        conversation=task.conversation,
        task=task.task,
        target=task.target,
        task_id=task.id,
        outcome="allow",
        arguments=hash_of(task.params),
    )


def denied(answer: AnswerState) -> Decision | None:
    """A refusal that rests on who somebody is; None for every other answer. Its id is the request's."""
    body = answer.body
    if not isinstance(body, RefusedBody) or not body.is_denial:
        return None
    return Decision(
        action=answer.verb or "follow",
        actor=answer.to,
        conversation=answer.conversation,
        task=body.task,
        target=body.target,
        task_id=body.task_id or answer.id,
        outcome="deny",
        rule=f"{body.reason} {body.identity}".strip(),
    )


def not_started(task: TaskState, rule: str) -> Decision:
    """Whoever asked for a task may not run it any more, as it is to start."""
    return Decision(
        action="start",
        actor=task.tried_by,
        conversation=task.conversation,
        task=task.task,
        target=task.target,
        task_id=task.id,
        outcome="deny",
        rule=rule,
        arguments=hash_of(task.params),
    )
