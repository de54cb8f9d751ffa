"""What the broker has of a run: its events, its log, the files its steps left."""

from collections.abc import Sequence

import msgspec

from opsloop_common import checkpoints, codec
from opsloop_common.bus import Bus
from opsloop_common.checkpoints import StepRecord
from opsloop_common.codec import Undecodable
from opsloop_common.events import LogLine, TaskState
from opsloop_common.records import Bucket
from opsloop_common.redact import Redactor
from opsloop_common.subjects import Subjects, event_in
from opsloop_common.task import ResultFile
from opsloop_ingress.runs.run import Event


class Line(msgspec.Struct, frozen=True):
    """A line of the log, and its place in the stream."""

    sequence: int
    attempt: int
    text: str


class RunReader:
    """Every method raises BusError when the broker does not answer."""

    def __init__(self, bus: Bus, subjects: Subjects, redact: Redactor) -> None:
        self._bus = bus
        self._subjects = subjects
        self._redact = redact
        self._steps = Bucket(bus, subjects.bucket("STEPS"), StepRecord)

    async def events(self, id: str) -> list[Event]:
        """The events of a task that are still kept, in order; empty when there is no such task."""
        stored = await self._bus.read(self._subjects.stream("EVT"), self._subjects.events_of(id))
        found = []
        for one in stored:
            message = codec.decode_event(one.data)
            if isinstance(message.data, TaskState):
                found.append(Event(event_in(one.subject), message.time, message.data))
        return found

    async def lines(self, id: str, after: int = 0) -> list[Line]:
        """The log lines behind a sequence. Redacted when they were written, and once more as they leave."""
        stored = await self._bus.read(self._subjects.stream("LOG"), self._subjects.log(id), first=after + 1)
        found = []
        for one in stored:
            try:
                line = codec.decode(one.data, LogLine)
            except Undecodable:
                continue
            found.append(Line(one.sequence, line.attempt, self._redact(line.line)))
        return found

    async def file(self, task: TaskState, wanted: ResultFile) -> str | None:
        """The text of a file that a step of the newest attempt left; None when it is no longer kept."""
        entry = await self._steps.get(checkpoints.key(task.id, task.attempt, wanted.step))
        if entry.value is None:
            return None
        found = _at(msgspec.json.decode(entry.value.result), wanted.path)
        return self._redact(found) if isinstance(found, str) else None


def files_of(task: TaskState) -> Sequence[ResultFile]:
    return task.result.files if task.result else ()


def _at(value: object, path: Sequence[str]) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
