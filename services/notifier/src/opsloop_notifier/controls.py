"""The buttons of a task."""

from datetime import datetime

from opsloop_common.events import TaskState
from opsloop_notifier import external, naming
from opsloop_notifier.message import Block, mrkdwn
from opsloop_notifier.style import Style

_NAME = 40
"""Keeps the question within the 300 characters of a confirmation."""


def of_task(task: TaskState, sequence: int, style: Style) -> list[Block]:
    """What can be done about a task in this state; about another system's, what that one says can be done."""
    if task.external is not None:
        own = external.buttons(task, task.external.buttons, sequence, style)
        return [*own, style.logs_button(task.id, sequence, _changed_at(task))]
    can_cancel = task.is_open and task.cancelled_by is None
    return [
        *([retry(task.id, sequence, style)] if task.status == "failed" else []),
        *([stop_retrying(task.id, sequence, style)] if task.retry_at else []),
        *(settling(task, sequence, style) if task.status == "unknown" else []),
        *([cancel(task.id, task.task, task.target, sequence, style)] if can_cancel else []),
        style.logs_button(task.id, sequence, _changed_at(task)),
        *style.grafana_button(task, sequence),
    ]


def retry(id: str, sequence: int, style: Style) -> Block:
    return style.button("task.retry", "🔁 Retry Task", id, sequence)


def stop_retrying(id: str, sequence: int, style: Style) -> Block:
    return style.button("task.cancel", "🛑 Stop Retrying", id, sequence)


def settling(task: TaskState, sequence: int, style: Style) -> list[Block]:
    """What a person may say of a task whose outcome nobody knows. Running it twice is not one click away."""
    subject = naming.subject(task.task, task.target, style, _NAME)
    confirm: Block = {
        "title": _plain("Run it again?"),
        "text": mrkdwn(f"{subject} runs once more. Do that only if you looked, and it did not happen."),
        "confirm": _plain("Run Again"),
        "deny": _plain("Leave It"),
        "style": "danger",
    }
    return [
        style.button("task.happened", "✅ It Happened", task.id, sequence),
        {**style.button("task.rerun", "🔁 It Did Not, Run Again", task.id, sequence), "confirm": confirm},
    ]


def cancel(id: str, task: str, target: str, sequence: int, style: Style) -> Block:
    """Asks before it is one click too many: what a task has done already stays done."""
    question = f"{naming.subject(task, target, style, _NAME)} will be stopped. What it has done already stays done."
    confirm: Block = {
        "title": _plain("Cancel this task?"),
        "text": mrkdwn(question),
        "confirm": _plain("Cancel Task"),
        "deny": _plain("Let It Run"),
        "style": "danger",
    }
    return {**style.button("task.cancel", "🛑 Cancel Task", id, sequence), "style": "danger", "confirm": confirm}


def _changed_at(task: TaskState) -> datetime:
    return task.ended_at or task.started_at or task.queued_at or task.requested_at


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
