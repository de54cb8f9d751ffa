"""The run a handler is given, over the pipe to the orchestrator (see opsloop_common.task.Run)."""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, get_type_hints

import msgspec

from opsloop_common import crash
from opsloop_common.measures import Measure, Series
from opsloop_common.task import STEP_RESULT_LIMIT_BYTES, Target, TaskFailed
from opsloop_orchestrator import frames
from opsloop_orchestrator.frames import AskCourse, AskEarlier, AskValue, Begin, Kept, Line, Progress, StepDone, Told

T = TypeVar("T")
BEFORE_FIRST_STEP = "the start"


class Pipe:
    """Frames to and from the orchestrator."""

    def __init__(self, reader: asyncio.StreamReader, descriptor: int) -> None:
        self._reader = reader
        self._descriptor = descriptor

    def send(self, frame: frames.FromRunner) -> None:
        """Writes at once: a frame is on its way before the handler goes on, whatever the handler does next."""
        crash.crossing("before frame", frames.name, frame)
        data = frames.pack(frame)
        while data:
            data = data[os.write(self._descriptor, data) :]
        crash.crossing("after frame", frames.name, frame)

    async def receive(self) -> frames.ToRunner | None:
        frame = await frames.read_to_runner(self._reader)
        if frame is not None:
            crash.crossing("with frame", frames.name, frame)
        return frame


class PipedRun:
    """One attempt at one task."""

    def __init__(self, begin: Begin, pipe: Pipe) -> None:
        self._begin = begin
        self._pipe = pipe
        self._number = 0
        self._name = ""
        self._taken: set[str] = set()
        self._kept: asyncio.Future[None] | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[bytes | None]] = {}

    @property
    def task_id(self) -> str:
        return self._begin.task_id

    @property
    def attempt(self) -> int:
        return self._begin.attempt

    @property
    def fence(self) -> int:
        return self._begin.fence

    @property
    def target(self) -> Target:
        return self._begin.target

    @property
    def params(self) -> dict[str, str]:
        return self._begin.params

    @property
    def settings(self) -> dict[str, Any]:
        return self._begin.settings

    @property
    def where(self) -> str:
        """The current step, as a sentence names it."""
        return f"step {self._number} ({self._name})" if self._number else BEFORE_FIRST_STEP

    @property
    def step_name(self) -> str:
        return self._name

    def secret(self, name: str) -> str:
        value = self._begin.secrets.get(name, "")
        if value:
            return value
        variable = self._begin.target.secrets.get(name)
        mend = (
            f"set {variable} in the orchestrator's environment"
            if variable
            else f"name its variable in the catalogue, under secrets of {self._begin.target.name}"
        )
        raise TaskFailed("secret_missing", f"The secret {name} is missing at {{step}}: {mend}, then retry.")

    def idempotency_key(self, step: str) -> str:
        return f"{self.task_id}:{self.attempt}:{step}"

    def log(self, line: str) -> None:
        for part in str(line).splitlines() or [""]:
            self._pipe.send(Line(part))

    def progress(self, percent: int) -> None:
        self._pipe.send(Progress(int(percent)))

    async def step(self, name: str, percent: int, function: Callable[[], Awaitable[T]]) -> T:
        if name in self._taken:
            raise ValueError(f"the step {name!r} was run twice: step names are unique within a task")
        self._taken.add(name)
        self._number += 1
        self._name = name
        kept = self._begin.kept.get(name)
        self.log(f"Step {self._number}: {name}{' (done before, its result is reused)' if kept is not None else ''}")
        if kept is not None:
            await self._report(StepDone(name, percent, kept, repeated=True))
            return _read_back(kept, function)
        result = await function()
        written = msgspec.json.encode(result)
        if len(written) > STEP_RESULT_LIMIT_BYTES:
            raise ValueError(f"the result of step {name!r} has {len(written)} bytes; 256 KiB are allowed")
        await self._report(StepDone(name, percent, written))
        return result

    async def measure(self, metric: str) -> Measure:
        told = await self._ask(lambda number: AskValue(number, metric))
        return msgspec.json.decode(told or b"null", type=Measure)

    async def series(self, metric: str, *, seconds: float, step_seconds: float) -> Series:
        told = await self._ask(lambda number: AskCourse(number, metric, seconds, step_seconds))
        return msgspec.json.decode(told or b"null", type=Series)

    async def earlier(self, task: str, step: str, as_type: type[T]) -> T | None:
        told = await self._ask(lambda number: AskEarlier(number, task, step))
        if told is None:
            return None
        try:
            return msgspec.json.decode(told, type=as_type)
        except msgspec.ValidationError as error:
            sentence = f"The record of {task} cannot be read at {{step}}: it was written by another version."
            raise TaskFailed("record_unreadable", sentence) from error

    def hear(self, frame: Kept | Told) -> None:
        """Takes what the orchestrator answers."""
        if isinstance(frame, Told):
            waiting = self._asked.pop(frame.number, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame.answer)
        elif self._kept is not None and not self._kept.done():
            self._kept.set_result(None)

    async def _ask(self, question: Callable[[int], frames.Question]) -> bytes | None:
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._pipe.send(question(number))
        return await self._asked[number]

    async def _report(self, done: StepDone) -> None:
        self._kept = asyncio.get_running_loop().create_future()
        self._pipe.send(done)
        await self._kept


def _read_back(kept: bytes, function: Callable[[], Awaitable[T]]) -> T:
    wanted: Any = get_type_hints(function).get("return", Any)
    value: T = msgspec.json.decode(kept, type=wanted)
    return value
