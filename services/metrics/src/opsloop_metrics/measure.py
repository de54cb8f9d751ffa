"""What a message adds to the series. Pure: a message in, measurements out.

`Seen` keeps a redelivered message from being counted twice within the life of a process.
"""

from collections import OrderedDict

import msgspec

from opsloop_common.answers import AnswerState, RefusedBody, UnknownNameBody
from opsloop_common.events import TaskState

IDS_REMEMBERED = 50_000
OUTCOMES = ("succeeded", "failed", "cancelled", "unknown")


class Ended(msgspec.Struct, frozen=True):
    """An attempt came to its end. `seconds` from its start to its end; None when it never started."""

    task: str
    outcome: str
    seconds: float | None


class Answered(msgspec.Struct, frozen=True):
    """A request was answered; `reason` is why it was refused or not understood, else empty."""

    answer: str
    reason: str


def ended(event: str, state: TaskState) -> Ended | None:
    """The end that a task event tells of; None for every other event."""
    if event not in OUTCOMES:
        return None
    return Ended(state.task, event, _seconds(state))


def _seconds(state: TaskState) -> float | None:
    if state.started_at is None or state.ended_at is None:
        return None
    return max((state.ended_at - state.started_at).total_seconds(), 0.0)


def answered(state: AnswerState) -> Answered:
    """What an answer counts as."""
    tag = str(type(state.body).__struct_config__.tag)
    match state.body:
        case RefusedBody(reason=reason):
            return Answered(tag, reason)
        case UnknownNameBody(what=what):
            return Answered(tag, what)
    return Answered(tag, "")


class Running:
    """Tasks whose start this process counted and whose end it has not seen.

    Only `started` adds one, and the broker gives each event to one replica: the sum over replicas is what runs.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, str] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._tasks)

    def note(self, event: str, state: TaskState) -> None:
        if event == "started":
            self._tasks[state.id] = state.task
        elif state.status != "running":
            self.drop(state.id)

    def drop(self, id: str) -> None:
        """Its end was seen, here or by another replica."""
        self._tasks.pop(id, None)

    def count(self, task: str) -> int:
        return sum(1 for name in self._tasks.values() if name == task)


class Seen:
    """The highest sequence counted per id, for the most recent ids."""

    def __init__(self, remembered: int = IDS_REMEMBERED) -> None:
        self._remembered = remembered
        self._highest: OrderedDict[str, int] = OrderedDict()

    def is_new(self, id: str, sequence: int) -> bool:
        """Whether this message of the id was not counted yet; from now on it is."""
        if sequence <= self._highest.get(id, 0):
            return False
        self._highest[id] = sequence
        self._highest.move_to_end(id)
        if len(self._highest) > self._remembered:
            self._highest.popitem(last=False)
        return True
