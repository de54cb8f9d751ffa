"""Answers to requests: the status card for everyone, and what is said to one person alone."""

from collections.abc import Mapping, Sequence

import msgspec

from opsloop_common.answers import AnswerState, CardRun, HelpBody, LogsBody, RefusedBody, StatusBody, UnknownNameBody
from opsloop_common.events import TaskState
from opsloop_notifier import render, words
from opsloop_notifier.message import (
    HEADER_LIMIT,
    SECTION_LIMIT,
    TEXT_LIMIT,
    Block,
    Message,
    actions,
    context,
    mark,
    section,
)
from opsloop_notifier.style import Style

LOG_LINES = 30
_NAME = 80
_GIVEN = 150
_LINE = 200
_MOST_BUTTONS = 25
_MOST_RUNS = 12
_MOST_NAMES = 30


class Gathered(msgspec.Struct, frozen=True):
    """What an answer shows besides its own body: the link to a task's card, the end of a log (oldest line first)."""

    link: str = ""
    lines: tuple[str, ...] = ()


def status_card(
    answer: AnswerState, body: StatusBody, links: Mapping[str, str], sequence: int,
    *, key: str, version: str, names: Mapping[str, str], style: Style,
) -> Message:  # fmt: skip
    """The card of a target: what can be started, and what was started from it. `links` by task id; "" is no link."""
    title = style.pen.plain(body.title or body.target, HEADER_LIMIT)
    runs = [_run(run, links.get(run.task_id, ""), names, style) for run in body.runs[-_MOST_RUNS:]]
    offers = [
        style.button(f"task.run.{offer.task}", style.pen.plain(offer.title, 70), answer.id, sequence)
        for offer in body.offers[:_MOST_BUTTONS]
    ]
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}},
        section(f"*{style.pen.line(body.target, _NAME)}*"),
        *render.measures(body.measures, answer.answered_at, style),
        *([actions(offers)] if offers else []),
        *([section(_within(runs, SECTION_LIMIT))] if runs else []),
        context(f"Asked {words.moment(answer.answered_at)}"),
    ]
    return mark(style.secrets, key, version, _card_text(body, style), blocks)


def private(answer: AnswerState, gathered: Gathered, *, key: str, style: Style) -> Message:
    """What only the person who asked sees."""
    return mark(style.secrets, key, "0", *_private_content(answer, gathered, style))


def notice(sentence: str, *, key: str, style: Style) -> Message:
    """A sentence of our own (see `words.unreachable`) to the person who asked."""
    return mark(style.secrets, key, "0", sentence, [section(sentence)])


def _private_content(answer: AnswerState, gathered: Gathered, style: Style) -> tuple[str, list[Block]]:
    body = answer.body
    match body:
        case HelpBody():
            parts = _help(body, style)
        case UnknownNameBody():
            parts = [_unknown_name(body, style)]
        case RefusedBody():
            parts = [_refused(body, gathered.link, style)]
        case LogsBody():
            return _logs(body, gathered.lines, style)
        case StatusBody():
            parts = [_card_text(body, style)]
        case _:
            parts = ["Done."]
    return _within(parts, TEXT_LIMIT), [section(_within([part], SECTION_LIMIT)) for part in parts]


def _help(body: HelpBody, style: Style) -> list[str]:
    command = style.pen.line(body.command, _NAME)
    usage = [
        *(
            [f"I do not know “{style.pen.line(body.unknown_word, _NAME)}”. This is what I understand:"]
            if body.unknown_word
            else []
        ),
        f"`{command} status <dealer>` – the dealer's card, with a button for each task",
        f"`{command} run <task> <dealer>` – run a task at once",
        f"`{command} help` – this list",
    ]
    usage = [line.replace("<dealer>", "&lt;dealer&gt;").replace("<task>", "&lt;task&gt;") for line in usage]
    tasks = [_offer(offer.task, offer.description or offer.title, style) for offer in body.offers[:_MOST_NAMES]]
    return [
        "\n".join(usage),
        _within([f"*Tasks*{'' if tasks else ': none'}", *tasks], 1200),
        _within([f"*Dealers*: {_names(body.targets, style) or 'none'}"], 1200),
    ]


def _offer(task: str, about: str, style: Style) -> str:
    return f"`{style.pen.line(task, _NAME)}` – {style.pen.line(about, _LINE)}"


def _names(names: Sequence[str], style: Style) -> str:
    shown = ", ".join(f"`{style.pen.line(name, 30)}`" for name in names[:_MOST_NAMES])
    hidden = len(names) - _MOST_NAMES
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def _unknown_name(body: UnknownNameBody, style: Style) -> str:
    thing = "dealer" if body.what == "target" else "task"
    command = style.pen.line(body.command, _NAME)
    nearest = " or ".join(f"`{style.pen.line(name, _NAME)}`" for name in body.nearest[:3])
    if not body.given.strip():
        usage = (
            f"{command} status &lt;dealer&gt;" if thing == "dealer" else f"{command} run &lt;task&gt; &lt;dealer&gt;"
        )
        example = f" For example a {thing} named {nearest}." if nearest else ""
        return f"Which {thing}? Type `{usage}`.{example}"
    suggestion = f" Did you mean {nearest}?" if nearest else f" Type `{command} help` to see them all."
    return f"There is no {thing} `{style.pen.line(body.given, _GIVEN)}`.{suggestion}"


def _refused(body: RefusedBody, link: str, style: Style) -> str:
    subject = render.subject(body.task, body.target, style) if body.task and body.target else "This task"
    command = style.pen.line(body.command, _NAME)
    # The sentences are ours; what stands in for a brace is text of others and must not be formatted again.
    sentence = words.REFUSALS[body.reason].replace("{command}", command).replace("{subject}", subject)
    return f"{sentence} <{link}|Open its card>" if link else sentence


def _logs(body: LogsBody, lines: Sequence[str], style: Style) -> tuple[str, list[Block]]:
    head = f"Log of {render.subject(body.task, body.target, style)}"
    code = style.pen.code(lines[-LOG_LINES:], SECTION_LIMIT)
    if not code:
        text = f"{head}: {words.NO_LOG_LINES}"
        return text, [section(text)]
    return f"{head}: the last lines.", [section(f"{head}, the last lines:"), section(code)]


def _run(run: CardRun, link: str, names: Mapping[str, str], style: Style) -> str:
    name = style.pen.line(names.get(run.by.user, ""), _NAME)
    who = f", started by {name}" if name else ""
    where = f" · <{link}|open>" if link else ""
    status = f"{words.STATUS_SIGNS[run.status]} {style.pen.line(run.task, _NAME)} – {words.STATUS_WORDS[run.status]}"
    return f"{status}{who}{where}"


def _card_text(body: StatusBody, style: Style) -> str:
    title = style.pen.line(body.title or body.target, _NAME)
    last = body.runs[-1] if body.runs else None
    tail = f" Last: {style.pen.line(last.task, _NAME)} – {words.STATUS_WORDS[last.status]}." if last else ""
    return f"Status of {title} ({style.pen.line(body.target, _NAME)}).{tail}"


def _within(lines: Sequence[str], limit: int) -> str:
    """Whole lines, as many as fit; so no line is cut where it must not be."""
    shown: list[str] = []
    room = limit - 2
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*shown, "…"])
        shown.append(line)
    return "\n".join(shown)


def asker(state: TaskState | AnswerState) -> str:
    """The user who is told privately."""
    return state.to.user if isinstance(state, AnswerState) else state.tried_by.user
