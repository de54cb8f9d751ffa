"""A task as one line of a list: what it is, for which target, who started it, when, its id, and the way to its card."""

from collections.abc import Mapping

from opsloop_common.answers import TaskRow
from opsloop_notifier import naming, words
from opsloop_notifier.style import Style

_NAME = 40
_ID = 40


def row(found: TaskRow, names: Mapping[str, str], style: Style, link: str = "") -> str:
    """`▶️ *schema_fix* for *naples-honda* – running, started by Bob · today 12:00 · `07-a…` · open`.

    At most about 700 units with a permalink. `names` maps users to what they are called; an empty `link` is no link.
    """
    attempt = f" · attempt {found.attempt}" if found.attempt > 1 else ""
    who = naming.person(found.by, names, style)
    subject = naming.subject(found.title or found.task, found.target, style, _NAME)
    head = f"{sign(found)} {subject}{attempt} – {state(found)}"
    parts = [
        f"{head}, started by {who}" if who else head,
        words.moment(found.at),
        f"`{style.pen.line(found.id, _ID)}`",
        *([f"<{link}|open>"] if link else []),
    ]
    return " · ".join(parts)


def sign(found: TaskRow) -> str:
    return words.CANCELLING_SIGN if found.cancelling else words.STATUS_SIGNS[found.status]


def state(found: TaskRow) -> str:
    """`running`, `being cancelled`."""
    return words.CANCELLING if found.cancelling else words.STATUS_WORDS[found.status]
