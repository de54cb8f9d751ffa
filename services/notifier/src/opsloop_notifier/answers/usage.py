"""Help: what can be asked, and of what."""

from collections.abc import Sequence

from opsloop_common.answers import HelpBody
from opsloop_notifier import naming
from opsloop_notifier.answers.said import Said
from opsloop_notifier.style import Style

_ABOUT = 200
_MOST = 30
_MOST_WORDS = 8


def said(body: HelpBody, style: Style) -> Said:
    tasks = [_offer(offer.task, offer.description or offer.title, style) for offer in body.offers[:_MOST]]
    return Said.in_lines(
        _usage(body, style),
        [f"*Tasks*{'' if tasks else ': none'}", *tasks],
        [f"*Dealers*: {_names(body.targets, style) or 'none'}"],
    )


def _usage(body: HelpBody, style: Style) -> list[str]:
    unknown = style.pen.line(body.unknown_word, naming.LONGEST)
    lines = [
        ("status", "every dealer, and what is going on there"),
        ("status <dealer>", "the dealer's card, with a button for each task"),
        *((f"{word.task} <dealer>", f"{word.title} and its course") for word in body.words[:_MOST_WORDS]),
        ("run <task> <dealer>", "run a task at once"),
        ("tasks", "what runs, what waits, what ended lately"),
        ("tasks <dealer>", "the same for one dealer"),
        ("task <id>", "one task"),
        ("help", "this list"),
    ]
    # The pen escapes the angle brackets, and takes the backticks of text of others away.
    command = style.pen.line(body.command, naming.LONGEST)
    shown = [f"`{command} {style.pen.line(typed, naming.LONGEST)}` – {_about(about, style)}" for typed, about in lines]
    return [*([f"I do not know “{unknown}”. This is what I understand:"] if unknown else []), *shown]


def _about(about: str, style: Style) -> str:
    return style.pen.line(about, _ABOUT)


def _offer(task: str, about: str, style: Style) -> str:
    return f"`{style.pen.line(task, naming.LONGEST)}` – {_about(about, style)}"


def _names(names: Sequence[str], style: Style) -> str:
    shown = ", ".join(f"`{style.pen.line(name, 30)}`" for name in names[:_MOST])
    hidden = len(names) - _MOST
    return f"{shown} and {hidden} more" if hidden > 0 else shown
