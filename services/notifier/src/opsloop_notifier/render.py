"""The card of a task: its newest state as one message, updated in place."""

from datetime import datetime

from opsloop_common.events import FINAL_STATUSES, TaskState
from opsloop_notifier import words
from opsloop_notifier.message import Block, Message, actions, context, mark, section
from opsloop_notifier.style import Style

# Chosen so that no text can pass Slack's limits: 3,000 for a section and for the top-level text, 2,000 for a context.
_NAME = 80
_SENTENCE = 2000
_RESULT_LINE = 250
_MOST_RESULT_LINES = 10


def task_card(task: TaskState, sequence: int, *, key: str, version: str, is_edit: bool, style: Style) -> Message:
    """The anchor of a task, drawn from the event with this sequence.

    An edit never notifies, so only an edit says by name who asked.
    """
    state = _state(task, style)
    blocks = [
        section(f"{_title(task, style)}\n{state}"),
        section(words.bar(_percent(task))),
        *_results(task, style),
        actions(_buttons(task, sequence, style)),
        context(_small_print(task, style, is_edit=is_edit)),
    ]
    return mark(style.secrets, key, version, _text(task, state, style), blocks)


def subject(task: str, target: str, style: Style) -> str:
    """`*schema_fix* for *naples-honda*`."""
    return f"*{style.pen.line(task, _NAME)}* for *{style.pen.line(target, _NAME)}*"


def plain_subject(task: str, target: str, style: Style) -> str:
    """`schema_fix for naples-honda`."""
    return f"{style.pen.line(task, _NAME)} for {style.pen.line(target, _NAME)}"


def outcome(task: TaskState, style: Style) -> str:
    """What a task that ended says about it, in a sentence without its sign."""
    if task.status == "succeeded":
        return style.pen.line(task.result.summary, _SENTENCE) if task.result else ""
    if task.status == "failed":
        return style.pen.line(task.failure.sentence, _SENTENCE) if task.failure else "It failed without a reason."
    if task.status == "unknown":
        return style.pen.line(task.failure.sentence, _SENTENCE) if task.failure else words.UNKNOWN_OUTCOME
    return ""


def result_lines(task: TaskState, style: Style) -> list[str]:
    """The lines that back a result up, a few of them."""
    lines = task.result.lines if task.result and task.status == "succeeded" else ()
    shown = [f"• {style.pen.line(line, _RESULT_LINE)}" for line in lines[:_MOST_RESULT_LINES]]
    hidden = len(lines) - len(shown)
    return [*shown, f"… and {hidden} more"] if hidden > 0 else shown


def duration_seconds(task: TaskState) -> float | None:
    """How long the attempt ran; None for one that never started or has not ended."""
    if task.started_at is None or task.ended_at is None:
        return None
    return (task.ended_at - task.started_at).total_seconds()


def _title(task: TaskState, style: Style) -> str:
    attempt = f" · attempt {task.attempt}" if task.attempt > 1 else ""
    return f"⚙️ {subject(task.task, task.target, style)}{attempt}"


def _state(task: TaskState, style: Style) -> str:
    sign = words.STATUS_SIGNS[task.status]
    match task.status:
        case "queued":
            return f"{sign} Queued{' behind another task on this target' if task.waits_for else ''}"
        case "running":
            step = style.pen.line(task.step, _NAME)
            return f"{sign} Running{f' – {step}' if step else ''}"
        case "succeeded":
            seconds = duration_seconds(task)
            took = f" in {words.duration(seconds)}" if seconds is not None else ""
            said = outcome(task, style)
            return f"{sign} Completed{took}{f' – {said}' if said else ''}"
        case "failed":
            return f"{sign} Error: {outcome(task, style)}"
        case "cancelled":
            return f"{sign} Cancelled"
        case "unknown":
            return f"{sign} Outcome unknown: {outcome(task, style)}"


def _percent(task: TaskState) -> int:
    return 100 if task.status == "succeeded" else task.percent


def _results(task: TaskState, style: Style) -> list[Block]:
    lines = result_lines(task, style)
    return [section("\n".join(lines))] if lines else []


def _buttons(task: TaskState, sequence: int, style: Style) -> list[Block]:
    retry = [style.button("task.retry", "🔁 Retry Task", task.id, sequence)] if task.status == "failed" else []
    logs = style.button("task.logs", "🔍 View Logs", task.id, sequence)
    return [*retry, logs, *style.grafana_button(task, sequence)]


def _small_print(task: TaskState, style: Style, *, is_edit: bool) -> str:
    parts = [style.pen.line(task.title, _NAME)] if task.title and task.title != task.target else []
    asked = (
        f"Retried {words.moment(_tried_at(task))}" if task.attempt > 1 else f"Asked {words.moment(task.requested_at)}"
    )
    parts.append(f"{asked} by <@{style.pen.line(task.tried_by.user, 40)}>" if is_edit else asked)
    if task.status in FINAL_STATUSES and task.ended_at:
        parts.append(f"ended {words.moment(task.ended_at)}")
    return " · ".join(parts)


def _tried_at(task: TaskState) -> datetime:
    return task.queued_at or task.started_at or task.requested_at


def _text(task: TaskState, state: str, style: Style) -> str:
    attempt = f", attempt {task.attempt}" if task.attempt > 1 else ""
    head = f"{plain_subject(task.task, task.target, style)}{attempt}: "
    return f"{head}{state} ({_percent(task)}%)"
