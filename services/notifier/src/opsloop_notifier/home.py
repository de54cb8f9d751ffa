"""The app's own page for one person, as Slack's App Home shows it. Pure.

https://docs.slack.dev/surfaces/app-home
"""

from collections.abc import Sequence

from opsloop_common.answers import AnswerState, HomeBody, TaskRow
from opsloop_common.events import OPEN_STATUSES
from opsloop_common.people import Person
from opsloop_notifier import controls, rows, words
from opsloop_notifier.message import HEADER_LIMIT, Block, actions, context, section
from opsloop_notifier.style import Style

MOST_ROWS = 20
"""Of each kind: two blocks a row, and a page takes a hundred."""
_NAME = 80


class NotHome(TypeError):
    """The answer is for somebody's page, but is no page: nobody can draw it."""


def page(answer: AnswerState, style: Style) -> Block:
    """The whole view. Raises NotHome."""
    body = answer.body
    if not isinstance(body, HomeBody):
        raise NotHome(f"{type(body).__name__} on the page of a person")
    command = style.pen.line(body.command, _NAME)
    return {
        "type": "home",
        "blocks": [
            _header("Your tasks", style),
            *(_rows(body.open, answer.to, command, style) if body.open else [section(_nothing_runs(command))]),
            *([_header("Ended lately", style)] if body.ended else []),
            *_rows(body.ended, answer.to, command, style),
            context(f"As of {words.moment(answer.answered_at)}. `{command} help` says what else there is."),
        ],
    }


def _header(text: str, style: Style) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": style.pen.plain(text, HEADER_LIMIT)}}


def _nothing_runs(command: str) -> str:
    return (
        "None of your tasks is running or waiting. "
        f"Type `{command} status &lt;dealer&gt;` in a channel to start one from the dealer's card."
    )


def _rows(found: Sequence[TaskRow], to: Person, command: str, style: Style) -> list[Block]:
    shown = [block for row in found[:MOST_ROWS] for block in _row(row, to, style)]
    hidden = len(found) - MOST_ROWS
    return [*shown, context(f"And {hidden} more: `{command} tasks` lists them.")] if hidden > 0 else shown


def _row(row: TaskRow, to: Person, style: Style) -> list[Block]:
    # A page lists one's own tasks, so by whom goes without saying.
    names = {} if row.by == to else {row.by.user: row.by.user}
    return [section(rows.row(row, names, style)), actions(_buttons(row, style))]


def _buttons(row: TaskRow, style: Style) -> list[Block]:
    can_cancel = row.status in OPEN_STATUSES and not row.cancelling
    return [
        *([controls.retry(row.id, row.sequence, style)] if row.status == "failed" else []),
        *([controls.cancel(row.id, row.task, row.target, row.sequence, style)] if can_cancel else []),
        style.logs_button(row.id, row.sequence, row.at),
    ]
