"""What the card of another system's task shows besides its state: what it is called there, its links, its buttons."""

from collections.abc import Sequence

from opsloop_common.events import FINAL_STATUSES, TaskState
from opsloop_common.external import External, Link, OwnButton
from opsloop_notifier import naming, words
from opsloop_notifier.message import BUTTON_LIMIT, CONTEXT_LIMIT, SECTION_LIMIT, Block, section
from opsloop_notifier.mrkdwn import escape
from opsloop_notifier.paragraphs import joined
from opsloop_notifier.style import Style

_LONGEST_TITLE = 150
ACTION = "ext."


def subject(task: TaskState, external: External, style: Style) -> str:
    """`*Build 7* for *naples-honda*`."""
    return naming.subject(external.title, task.target, style, _LONGEST_TITLE)


def plain_subject(task: TaskState, external: External, style: Style) -> str:
    """`Build 7 (ci) for naples-honda`."""
    named = f"{style.pen.line(external.title, _LONGEST_TITLE)} ({style.pen.line(external.publisher, naming.LONGEST)})"
    return f"{named} for {style.pen.line(task.target, naming.LONGEST)}" if task.target else named


def links(found: Sequence[Link], style: Style) -> list[Block]:
    """Ways to more. An address was admitted only in a form that cannot leave its link."""
    told = [f"<{escape(link.url)}|{style.pen.line(link.label, naming.LONGEST)}>" for link in found]
    return [section(f"🔗 {joined(told, SECTION_LIMIT - 10)}")] if told else []


def buttons(task: TaskState, found: Sequence[OwnButton], sequence: int, style: Style) -> list[Block]:
    """The publisher's own buttons, numbered from 1."""
    return [_button(task.id, number, one, sequence, style) for number, one in enumerate(found, 1)]


def small_print(task: TaskState, external: External, style: Style) -> str:
    """Who says all this, and when."""
    owner = style.pen.line(external.owner, naming.LONGEST)
    parts = [
        f"Reported by {style.pen.line(task.title, naming.LONGEST)}",
        f"for {owner}" if owner else "",
        words.moment(task.requested_at),
        f"last sign of life {words.moment(external.seen_at)}" if task.silent_since or task.status == "unknown" else "",
        f"ended {words.moment(task.ended_at)}" if task.status in FINAL_STATUSES and task.ended_at else "",
    ]
    return joined([part for part in parts if part], CONTEXT_LIMIT)


def _button(id: str, number: int, found: OwnButton, sequence: int, style: Style) -> Block:
    drawn = style.button(f"{ACTION}{number}", style.pen.plain(found.label, BUTTON_LIMIT), id, sequence)
    return {**drawn, "style": found.style} if found.style else drawn
