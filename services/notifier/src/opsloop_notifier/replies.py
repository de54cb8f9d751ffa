"""The replies in a task's thread: milestones, and how the attempt ended."""

from collections.abc import Mapping, Sequence

from opsloop_common.events import TaskState
from opsloop_notifier import amounts, headline, naming, words
from opsloop_notifier.message import SECTION_LIMIT, TEXT_LIMIT, Message, mark, section
from opsloop_notifier.mrkdwn import size
from opsloop_notifier.paragraphs import within
from opsloop_notifier.style import Style
from opsloop_notifier.view import Reply, mentions

TAIL_LINES = 15
_RESULT_LINE = 250
_MOST_RESULT_LINES = 24
_ROOM_FOR_NUMBERS = 800


def reply(
    task: TaskState, due: Reply, tail: Sequence[str], *, key: str, names: Mapping[str, str], style: Style
) -> Message:
    """A reply as `view.due_reply` asks for it. `tail` is the end of the attempt's log, oldest line first."""
    lines = [_milestone(milestone.percent, milestone.name, style) for milestone in due.milestones]
    if due.is_confirmation:
        lines.append(f"✅ {headline.confirmation(task, names, style)}. It counts as completed.")
    elif due.is_end:
        lines += _end(task, names, style)
        lines += _results(task, style, TEXT_LIMIT - sum(size(line) + 1 for line in lines))
    said = "\n".join(lines)
    blocks = [section(said)]
    if due.is_end and task.failure is not None:
        code = style.pen.code(tail[-TAIL_LINES:], SECTION_LIMIT)
        blocks += [section(code)] if code else []
    return mark(style.secrets, key, due.slot, said, blocks)


def _milestone(percent: int, name: str, style: Style) -> str:
    shown = style.pen.line(name, naming.LONGEST)
    sentence = shown if not shown or shown.endswith((".", "!", "?", "…")) else f"{shown}."
    return f"Progress: {percent}%{f' – {sentence}' if sentence else ''}"


def _end(task: TaskState, names: Mapping[str, str], style: Style) -> list[str]:
    calls = mentions(task) and not task.tried_by.is_operator
    mention = f" <@{style.pen.line(task.tried_by.user, 40)}>" if calls else ""
    said = headline.outcome(task, style)
    match task.status:
        case "succeeded" if task.confirmed_by is not None:
            # What the end was before somebody confirmed it; the confirmation has a reply of its own.
            return [f"{words.STATUS_SIGNS['unknown']} Outcome unknown: {headline.doubt(task, style)}"]
        case "succeeded":
            done = f"✅ Completed successfully.{_numbers(task, style)}{mention}"
            return [line for line in (done, said, headline.partial(task, style)) if line]
        case "failed":
            again = headline.tried_again(task, names, style)
            return [f"❌ Error: {said}{mention}", *([again] if again else [])]
        case "cancelled":
            return [f"🚫 Cancelled{naming.by(task.cancelled_by, names, style)}.{mention}"]
        case _:
            return [f"{words.STATUS_SIGNS[task.status]} Outcome unknown: {said}{mention}"]


def _numbers(task: TaskState, style: Style) -> str:
    """What the task did to the numbers, as far as they were known in time."""
    told = amounts.sentences(task.before, task.measures, task.ended_at, style)
    return f" {within(told, _ROOM_FOR_NUMBERS)}".replace("\n", " ") if told else ""


def _results(task: TaskState, style: Style, room: int) -> list[str]:
    """The lines that back a result up, as far as they fit beside what is said already."""
    lines = task.result.lines if task.result and task.status == "succeeded" else ()
    shown = [f"• {style.pen.line(line, _RESULT_LINE)}" for line in lines[:_MOST_RESULT_LINES]]
    hidden = len(lines) - len(shown)
    fitting = within([*shown, *([f"… and {hidden} more"] if hidden > 0 else [])], room)
    return [fitting] if fitting else []
