"""A runner: the process in which the handlers of task packs run, one task at a time.

It talks frames over a pipe and knows no broker. Whatever a handler prints goes to the log of the process. Only here
are task packs imported.
"""

import asyncio
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from typing import Any, TypeVar, get_type_hints

import msgspec

from opsloop_common.task import ENTRY_POINT_GROUP, STEP_RESULT_LIMIT_BYTES, Result, Run, Target, TaskFailed
from opsloop_orchestrator import frames
from opsloop_orchestrator.frames import Begin, Failed, Finished, Kept, Line, Progress, Ready, StepDone

T = TypeVar("T")
Handler = Callable[[Run], Awaitable[Result]]
BEFORE_FIRST_STEP = "the start"


class Pipe:
    """Frames to and from the orchestrator."""

    def __init__(self, reader: asyncio.StreamReader, descriptor: int) -> None:
        self._reader = reader
        self._descriptor = descriptor

    def send(self, frame: frames.FromRunner) -> None:
        """Writes at once: a frame is on its way before the handler goes on, whatever the handler does next."""
        data = frames.pack(frame)
        while data:
            data = data[os.write(self._descriptor, data) :]

    async def receive(self) -> frames.ToRunner | None:
        return await frames.read_to_runner(self._reader)


class PipedRun:
    """The Run that a handler gets (see opsloop_common.task.Run)."""

    def __init__(self, begin: Begin, pipe: Pipe) -> None:
        self._begin = begin
        self._pipe = pipe
        self._number = 0
        self._name = ""
        self._taken: set[str] = set()

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

    async def _report(self, done: StepDone) -> None:
        self._pipe.send(done)
        if not isinstance(await self._pipe.receive(), Kept):
            raise ConnectionError("the orchestrator is gone")


def _read_back(kept: bytes, function: Callable[[], Awaitable[T]]) -> T:
    wanted: Any = get_type_hints(function).get("return", Any)
    value: T = msgspec.json.decode(kept, type=wanted)
    return value


async def run_one(begin: Begin, handlers: dict[str, Handler], broken: dict[str, str], pipe: Pipe) -> None:
    """Runs one task and sends how it ended."""
    run = PipedRun(begin, pipe)
    try:
        handler = handlers.get(begin.task)
        if handler is None:
            raise TaskFailed("task_not_loaded", _not_loaded(begin.task, broken))
        pipe.send(Finished(await handler(run)))
    except TaskFailed as failure:
        pipe.send(Failed(failure.code, failure.sentence.replace("{step}", run.where), run.step_name))
    except Exception as error:
        run.log(traceback.format_exc())
        sentence = (
            f"{begin.task} stopped on an unexpected error ({type(error).__name__}) at {run.where}. "
            "Its log has the details; retry it, or tell whoever maintains the task."
        )
        pipe.send(Failed("bug", sentence, run.step_name))


def _not_loaded(task: str, broken: dict[str, str]) -> str:
    reason = broken.get(task, f"no installed package offers it under the entry point group {ENTRY_POINT_GROUP}")
    return f"The task {task} could not be loaded: {reason}. Install or mend its task pack, then retry."


def load_handlers() -> tuple[dict[str, Handler], dict[str, str]]:
    """The handlers of all installed task packs, and why others could not be loaded."""
    handlers: dict[str, Handler] = {}
    broken: dict[str, str] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            handlers[point.name] = point.load()
        except Exception as error:
            broken[point.name] = f"{point.value} raised {type(error).__name__}: {error}"
            traceback.print_exc()
    return handlers, broken


async def serve(descriptor: int) -> None:
    """Runs tasks one after another until the pipe closes."""
    reader = asyncio.StreamReader(limit=frames.LARGEST_FRAME)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    handlers, broken = load_handlers()
    pipe = Pipe(reader, descriptor)
    pipe.send(Ready(tuple(handlers), broken))
    while isinstance(begin := await pipe.receive(), Begin):
        await run_one(begin, handlers, broken, pipe)


def main() -> None:
    # Standard output carries the frames; a handler's print must not get between them.
    descriptor = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(serve(descriptor))


if __name__ == "__main__":
    main()
