"""The replies in a task's thread: milestones, and how the attempt ended."""

from collections.abc import Sequence

from opsloop_common.events import TaskState
from opsloop_notifier import render, words
from opsloop_notifier.message import SECTION_LIMIT, TEXT_LIMIT, Message, mark, section
from opsloop_notifier.style import Style
from opsloop_notifier.view import Reply, mentions

TAIL_LINES = 15
_NAME = 80
_ROOM_FOR_MILESTONES = 600


def reply(task: TaskState, due: Reply, tail: Sequence[str], *, key: str, style: Style) -> Message:
    """A reply as `view.due_reply` asks for it. `tail` is the end of the attempt's log, oldest line first."""
    lines = [_milestone(milestone.percent, milestone.name, style) for milestone in due.milestones]
    if due.is_end:
        lines += _end(task, style)
    said = "\n".join(lines)
    blocks = [section(said)]
    if due.is_end and task.status in ("failed", "unknown"):
        code = style.pen.code(tail[-TAIL_LINES:], SECTION_LIMIT)
        blocks += [section(code)] if code else []
    return mark(style.secrets, key, due.slot, said, blocks)


def _milestone(percent: int, name: str, style: Style) -> str:
    shown = style.pen.line(name, _NAME)
    sentence = shown if not shown or shown.endswith((".", "!", "?", "…")) else f"{shown}."
    return f"Progress: {percent}%{f' – {sentence}' if sentence else ''}"


def _end(task: TaskState, style: Style) -> list[str]:
    mention = f" <@{style.pen.line(task.tried_by.user, 40)}>" if mentions(task) else ""
    said = render.outcome(task, style)
    match task.status:
        case "succeeded":
            return [
                f"✅ Completed successfully.{_numbers(task, style)}{mention}",
                *([said] if said else []),
                *_results(task, style),
            ]
        case "failed":
            return [f"❌ Error: {said}{mention}"]
        case "cancelled":
            return [f"🚫 Cancelled.{mention}"]
        case _:
            return [f"{words.STATUS_SIGNS[task.status]} Outcome unknown: {said}{mention}"]


def _numbers(task: TaskState, style: Style) -> str:
    """What the task did to the numbers, as far as they were known in time."""
    known = [one for one in task.measures if one.state == "value"]
    return "".join(f" {style.pen.line(one.title, _NAME)}: {words.measure(one, task.ended_at)}." for one in known)


def _results(task: TaskState, style: Style) -> list[str]:
    """The result's lines as far as they fit beside the summary."""
    room = TEXT_LIMIT - _ROOM_FOR_MILESTONES - len(render.outcome(task, style))
    shown: list[str] = []
    for line in render.result_lines(task, style):
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    return shown
