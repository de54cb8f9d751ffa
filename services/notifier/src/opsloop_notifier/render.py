"""The card of a task: its newest state as one message, updated in place."""

from collections.abc import Mapping
from datetime import datetime

from opsloop_common.events import FINAL_STATUSES, TaskState
from opsloop_notifier import amounts, controls, external, headline, lineage, naming, sparkline, words
from opsloop_notifier.message import (
    CONTEXT_LIMIT,
    SECTION_LIMIT,
    Block,
    Message,
    actions,
    context,
    mark,
    section,
)
from opsloop_notifier.paragraphs import joined, within
from opsloop_notifier.style import Style

_HIGHLIGHT = 250
_MOST_HIGHLIGHTS = 6


def task_card(
    task: TaskState, sequence: int, *, key: str, version: str, names: Mapping[str, str], style: Style,
    links: Mapping[str, str],
) -> Message:  # fmt: skip
    """The anchor of a task, drawn from the event with this sequence.

    `names` maps users to what they are called: a card says who asked without calling them. `links` maps the tasks
    that this one names to their cards; one without a card yet is named all the same.
    """
    head = [
        headline.title(task, style),
        headline.state(task, names, links, style),
        headline.partial(task, style),
        headline.tried_again(task, names, style),
    ]
    blocks = [
        section("\n".join(line for line in head if line)),
        section(words.bar(headline.percent(task))),
        *_numbers(task, style),
        *_findings(task, style),
        *_next(task, names, links, style),
        *(external.links(task.external.links, style) if task.external else []),
        *([section(words.SETTLE)] if task.status == "unknown" and not task.external else []),
        actions(controls.of_task(task, sequence, style)),
        context(_small_print(task, names, links, style)),
    ]
    return mark(style.secrets, key, version, headline.text(task, names, style), blocks)


def _numbers(task: TaskState, style: Style) -> list[Block]:
    if task.status in FINAL_STATUSES and task.ended_at:
        return amounts.fields_of_change(task.before, task.measures, task.ended_at, style)
    return amounts.fields_at_start(task.before, task.started_at, style)


def _findings(task: TaskState, style: Style) -> list[Block]:
    """What the result wants to be seen at once, and its trend."""
    if task.result is None or task.status != "succeeded":
        return []
    lines = [f"• {style.pen.line(line, _HIGHLIGHT)}" for line in task.result.highlights[:_MOST_HIGHLIGHTS]]
    trend = sparkline.lines(task.result.trend, style) if task.result.trend else []
    return [section(within(part, SECTION_LIMIT)) for part in (lines, trend) if part]


def _next(task: TaskState, names: Mapping[str, str], links: Mapping[str, str], style: Style) -> list[Block]:
    told = lineage.after(task, names, links, style)
    return [section(told)] if told else []


def _small_print(task: TaskState, names: Mapping[str, str], links: Mapping[str, str], style: Style) -> str:
    if task.external is not None:
        return external.small_print(task, task.external, style)
    parts = [
        style.pen.line(task.title, naming.LONGEST) if task.title != task.target else "",
        lineage.origin(task, links, style),
        f"{_asked(task)}{naming.by(task.tried_by, names, style)}",
        f"last sign of life {words.moment(task.silent_since)}" if task.silent_since else "",
        f"ended {words.moment(task.ended_at)}" if task.status in FINAL_STATUSES and task.ended_at else "",
        _vain_cancel(task, names, style),
        words.STORED_LATE if task.stored_late else "",
    ]
    return joined([part for part in parts if part], CONTEXT_LIMIT)


def _asked(task: TaskState) -> str:
    if task.attempt == 1:
        return f"Asked {words.moment(task.requested_at)}"
    if task.tries > 1:
        return (
            f"Tried again by itself {words.moment(_tried_at(task))} (try {task.tries} of {task.tries_at_most}), asked"
        )
    return f"Retried {words.moment(_tried_at(task))}"


def _vain_cancel(task: TaskState, names: Mapping[str, str], style: Style) -> str:
    """Somebody wanted it to end, and it ended otherwise."""
    is_told = task.is_open or task.status == "cancelled" or headline.tried_again(task, names, style)
    if task.cancelled_by is None or is_told:
        return ""
    if task.status == "unknown" or task.confirmed_by:
        return f"stopped{naming.by(task.cancelled_by, names, style)}"
    name = naming.person(task.cancelled_by, names, style)
    return f"{name}'s cancel came too late" if name else "a cancel came too late"


def _tried_at(task: TaskState) -> datetime:
    return task.queued_at or task.started_at or task.requested_at
