"""What is said to one person alone, by the kind of answer."""

from opsloop_common.answers import (
    AnswerState,
    HelpBody,
    LogsBody,
    MetricBody,
    PressedBody,
    RefusedBody,
    StatusBody,
    TargetsBody,
    TaskBody,
    TasksBody,
    UnknownNameBody,
)
from opsloop_notifier.answers import lists, logs, metric, pressed, refusals, target_card, unknown_names, usage
from opsloop_notifier.answers.gathered import Gathered
from opsloop_notifier.answers.said import Said
from opsloop_notifier.message import Message, mark, section
from opsloop_notifier.style import Style


def private(answer: AnswerState, gathered: Gathered, *, key: str, style: Style) -> Message:
    """What only the person who asked sees."""
    said = _said(answer, gathered, style)
    return mark(style.secrets, key, "0", said.text, said.blocks)


def notice(sentence: str, *, key: str, style: Style) -> Message:
    """A sentence of our own (see `words.unreachable`) to the person who asked."""
    return mark(style.secrets, key, "0", sentence, [section(sentence)])


def _said(answer: AnswerState, gathered: Gathered, style: Style) -> Said:
    body = answer.body
    match body:
        case HelpBody():
            return usage.said(body, style)
        case UnknownNameBody():
            return unknown_names.said(body, style)
        case RefusedBody():
            return refusals.said(body, gathered, style)
        case LogsBody():
            return logs.said(body, gathered.lines, style)
        case PressedBody():
            return pressed.said(body, style)
        case TargetsBody():
            return lists.targets(body, answer.answered_at, style)
        case TasksBody():
            return lists.tasks(body, gathered, style)
        case TaskBody():
            return lists.task(body, gathered, style)
        case MetricBody():
            return metric.said(body, answer.answered_at, style)
        case StatusBody():
            return Said.in_parts([target_card.summary(body, style)])
        case _:
            return Said.in_parts(["Done."])
