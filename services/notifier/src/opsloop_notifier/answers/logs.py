"""The end of a task's log."""

from collections.abc import Sequence

from opsloop_common.answers import LogsBody
from opsloop_notifier import naming, words
from opsloop_notifier.answers.said import Said
from opsloop_notifier.message import SECTION_LIMIT, section
from opsloop_notifier.style import Style

LINES = 30


def said(body: LogsBody, lines: Sequence[str], style: Style) -> Said:
    head = f"Log of {naming.subject(body.task, body.target, style)}"
    code = style.pen.code(lines[-LINES:], SECTION_LIMIT)
    if not code:
        return Said.in_parts([f"{head}: {words.NO_LOG_LINES}"])
    return Said(f"{head}: the last lines.", [section(f"{head}, the last lines:"), section(code)])
