"""Where a task came from, and which tasks came after it."""

from collections.abc import Mapping

from opsloop_common.events import FollowUp, TaskState
from opsloop_notifier import naming, verification
from opsloop_notifier.message import SECTION_LIMIT
from opsloop_notifier.paragraphs import joined
from opsloop_notifier.style import Style

_MOST = 8


def origin(task: TaskState, links: Mapping[str, str], style: Style) -> str:
    """`Started by *schema_fix* (open)`; empty for a task that a person asked for."""
    if task.parent is None:
        return ""
    name = style.pen.line(task.parent.task, naming.LONGEST)
    return f"Started by *{name}*{_way_to(task.parent.task_id, links)}"


def after(task: TaskState, names: Mapping[str, str], links: Mapping[str, str], style: Style) -> str:
    """`Next: ▶ ugc_audit (open) · arr_forecast was not started: …`; empty when nothing was to follow."""
    became = [_became(one, task, names, links, style) for one in task.follow_ups[:_MOST]]
    return f"Next: {joined(became, SECTION_LIMIT - 10)}" if became else ""


def _became(
    follow_up: FollowUp, task: TaskState, names: Mapping[str, str], links: Mapping[str, str], style: Style
) -> str:
    name = f"*{style.pen.line(follow_up.task, naming.LONGEST)}*"
    match follow_up.outcome:
        case "started":
            return f"▶ {name}{_way_to(follow_up.task_id, links)}"
        case "joined":
            return f"▶ {name}, which was under way already{_way_to(follow_up.task_id, links)}"
        case "queue_full":
            return f"{name} was not started: too many tasks wait for this target"
        case "denied":
            return f"{name} was not started: {_denied(follow_up, task, names, style)}"


def _denied(follow_up: FollowUp, task: TaskState, names: Mapping[str, str], style: Style) -> str:
    """The rights are those of whoever started the first task of the chain."""
    who = naming.person(task.requested_by, names, style) or "whoever asked"
    if not follow_up.reason:
        return f"{who} may not run it"
    return f"{who} is not verified ({verification.CLAUSES[follow_up.reason]})"


def _way_to(task_id: str, links: Mapping[str, str]) -> str:
    link = links.get(task_id, "")
    return f" (<{link}|open>)" if link else ""
