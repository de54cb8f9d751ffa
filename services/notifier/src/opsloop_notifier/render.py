"""The card of a task: its newest state as one message, updated in place."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from opsloop_common.events import FINAL_STATUSES, TaskState
from opsloop_common.measures import Measure
from opsloop_notifier import words
from opsloop_notifier.message import Block, Message, actions, context, mark, mrkdwn, section
from opsloop_notifier.style import Style

# Chosen so that no text can pass Slack's limits: 3,000 for a section and for the top-level text, 2,000 for a context.
_NAME = 80
_SENTENCE = 2000
_RESULT_LINE = 250
_MOST_RESULT_LINES = 24
_MOST_MEASURES = 10


def task_card(
    task: TaskState, sequence: int, *, key: str, version: str, names: Mapping[str, str], style: Style
) -> Message:
    """The anchor of a task, drawn from the event with this sequence.

    `names` maps users to what they are called: a card says who asked without calling them.
    """
    state = _state(task, style)
    blocks = [
        section(f"{_title(task, style)}\n{state}"),
        section(words.bar(_percent(task))),
        *measures(task.measures, task.ended_at, style),
        actions(_buttons(task, sequence, style)),
        context(_small_print(task, names, style)),
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
            return f"{sign} Queued{' behind another task on this target' if task.behind else ''}"
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


def measures(found: Sequence[Measure], at: datetime | None, style: Style) -> list[Block]:
    """The numbers as fields, two in a row; `at` is the moment they are to tell of."""
    fields = [
        mrkdwn(f"*{style.pen.line(one.title, _NAME)}*\n{words.measure(one, at)}") for one in found[:_MOST_MEASURES]
    ]
    return [{"type": "section", "fields": fields}] if fields else []


def _buttons(task: TaskState, sequence: int, style: Style) -> list[Block]:
    retry = [style.button("task.retry", "🔁 Retry Task", task.id, sequence)] if task.status == "failed" else []
    logs = style.button("task.logs", "🔍 View Logs", task.id, sequence)
    return [*retry, logs, *style.grafana_button(task, sequence)]


def _small_print(task: TaskState, names: Mapping[str, str], style: Style) -> str:
    parts = [style.pen.line(task.title, _NAME)] if task.title and task.title != task.target else []
    asked = (
        f"Retried {words.moment(_tried_at(task))}" if task.attempt > 1 else f"Asked {words.moment(task.requested_at)}"
    )
    who = style.pen.line(names.get(task.tried_by.user, ""), _NAME)
    parts.append(f"{asked} by {who}" if who else asked)
    if task.status in FINAL_STATUSES and task.ended_at:
        parts.append(f"ended {words.moment(task.ended_at)}")
    return " · ".join(parts)


def _tried_at(task: TaskState) -> datetime:
    return task.queued_at or task.started_at or task.requested_at


def _text(task: TaskState, state: str, style: Style) -> str:
    attempt = f", attempt {task.attempt}" if task.attempt > 1 else ""
    head = f"{plain_subject(task.task, task.target, style)}{attempt}: "
    return f"{head}{state} ({_percent(task)}%)"
