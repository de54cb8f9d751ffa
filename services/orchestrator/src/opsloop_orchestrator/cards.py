"""What a status card shows of tasks and numbers as they change. Pure, like `decide`."""

from msgspec.structs import replace

from opsloop_common.answers import AnswerState, CardRun, StatusBody
from opsloop_common.events import TaskState
from opsloop_common.measures import Measure

RUNS_KEPT = 5
MEASURES_KEPT = 8


def on_card(card: AnswerState, task: TaskState, sequence: int) -> AnswerState | None:
    """The status card with this task as it is now; None when the card already shows it, or something newer."""
    if not isinstance(card.body, StatusBody):
        return None
    shown = {run.task_id: run for run in card.body.runs}
    before = shown.get(task.id)
    if before is not None and (before.sequence >= sequence or before.status == task.status):
        return None
    shown[task.id] = CardRun(task.id, task.task, task.status, task.tried_by, sequence)
    runs = tuple(shown.values())[-RUNS_KEPT:]
    return replace(card, body=replace(card.body, runs=runs))


def card_measured(card: AnswerState, found: tuple[Measure, ...]) -> AnswerState | None:
    """A status card with numbers that came late. None when they say nothing new."""
    if not isinstance(card.body, StatusBody):
        return None
    newest = merged(card.body.measures, found)
    return None if newest == card.body.measures else replace(card, body=replace(card.body, measures=newest))


def lacks_numbers(measures: tuple[Measure, ...]) -> bool:
    return any(one.state == "unavailable" for one in measures)


def merged(before: tuple[Measure, ...], found: tuple[Measure, ...]) -> tuple[Measure, ...]:
    """The new numbers; a number that is known stays when the new look found nobody to ask, or the same value."""
    known = {one.metric: one for one in before}
    return tuple(_newer(known.get(one.metric), one) for one in found[:MEASURES_KEPT])


def _newer(before: Measure | None, now: Measure) -> Measure:
    if before is None:
        return now
    says_nothing_new = now.state == "unavailable" or (before.state, before.value) == (now.state, now.value)
    return before if says_nothing_new else now
