"""The card of a dealer: what can be started there, and what was started from it."""

from collections.abc import Mapping

from opsloop_common.answers import AnswerState, CardRun, StatusBody
from opsloop_notifier import amounts, naming, words
from opsloop_notifier.message import (
    HEADER_LIMIT,
    SECTION_LIMIT,
    Block,
    Message,
    actions,
    context,
    mark,
    section,
)
from opsloop_notifier.paragraphs import within
from opsloop_notifier.style import Style

_MOST_BUTTONS = 25
_MOST_RUNS = 12


def status_card(
    answer: AnswerState, body: StatusBody, links: Mapping[str, str], sequence: int,
    *, key: str, version: str, names: Mapping[str, str], style: Style,
) -> Message:  # fmt: skip
    """The card, drawn from the event with this sequence. `links` by task id; "" is no link."""
    title = style.pen.plain(body.title or body.target, HEADER_LIMIT)
    runs = [_run(run, links.get(run.task_id, ""), names, style) for run in body.runs[-_MOST_RUNS:]]
    offers = [
        style.button(f"task.run.{offer.task}", style.pen.plain(offer.title, 70), answer.id, sequence)
        for offer in body.offers[:_MOST_BUTTONS]
    ]
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}},
        section(f"*{style.pen.line(body.target, naming.LONGEST)}*"),
        *amounts.fields(body.measures, answer.answered_at, style),
        *([actions(offers)] if offers else []),
        *([section(within(runs, SECTION_LIMIT))] if runs else []),
        context(f"Asked {words.moment(answer.answered_at)}{_stored_late(answer)}"),
    ]
    return mark(style.secrets, key, version, summary(body, style), blocks)


def _stored_late(answer: AnswerState) -> str:
    return f" · {words.STORED_LATE}" if answer.stored_late else ""


def summary(body: StatusBody, style: Style) -> str:
    """The card in a sentence."""
    title = style.pen.line(body.title or body.target, naming.LONGEST)
    last = body.runs[-1] if body.runs else None
    tail = f" Last: {style.pen.line(last.task, naming.LONGEST)} – {words.STATUS_WORDS[last.status]}." if last else ""
    return f"Status of {title} ({style.pen.line(body.target, naming.LONGEST)}).{tail}"


def _run(run: CardRun, link: str, names: Mapping[str, str], style: Style) -> str:
    name = naming.person(run.by, names, style)
    who = f", started by {name}" if name else ""
    where = f" · <{link}|open>" if link else ""
    task = style.pen.line(run.task, naming.LONGEST)
    return f"{words.STATUS_SIGNS[run.status]} {task} – {words.STATUS_WORDS[run.status]}{who}{where}"
