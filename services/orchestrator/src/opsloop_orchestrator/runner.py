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
from typing import Any

from opsloop_common import crash, tracing
from opsloop_common.task import ENTRY_POINT_GROUP, PROBE_ENTRY_POINT_GROUP, Result, Run, TaskFailed
from opsloop_orchestrator import frames, watchdog
from opsloop_orchestrator.frames import Begin, Cancel, Failed, Finished, Kept, Probed, Ready, Stopped, Told
from opsloop_orchestrator.piped_run import Pipe, PipedRun

Handler = Callable[[Run], Awaitable[Result]]
Probe = Callable[[Run], Awaitable[bool | None]]


class Packs:
    """The handlers and probes of all installed task packs, and why others could not be loaded."""

    def __init__(self, handlers: dict[str, Handler], probes: dict[str, Probe], broken: dict[str, str]) -> None:
        self.handlers = handlers
        self.probes = probes
        self.broken = broken

    def handler(self, task: str) -> Handler:
        """Raises TaskFailed."""
        if found := self.handlers.get(task):
            return found
        raise TaskFailed("task_not_loaded", _not_loaded(task, self.broken))


async def run_one(begin: Begin, run: PipedRun, packs: Packs, pipe: Pipe) -> None:
    """Runs one task and sends how it ended."""
    try:
        with tracing.span(f"handle {begin.task}", begin.traceparent):
            if begin.probe:
                pipe.send(Probed(await packs.probes[begin.task](run)))
            else:
                pipe.send(Finished(await packs.handler(begin.task)(run)))
    except asyncio.CancelledError:
        pipe.send(Stopped())
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


def load_packs() -> Packs:
    """A task that cannot be loaded does not keep the others away."""
    broken: dict[str, str] = {}
    return Packs(_loaded(ENTRY_POINT_GROUP, broken), _loaded(PROBE_ENTRY_POINT_GROUP, {}), broken)


def _loaded(group: str, broken: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for point in entry_points(group=group):
        try:
            found[point.name] = point.load()
        except Exception as error:
            broken[point.name] = f"{point.value} raised {type(error).__name__}: {error}"
            traceback.print_exc()
    return found


async def serve(descriptor: int) -> None:
    """Runs tasks one after another until the pipe closes; a task that is under way then ends with it."""
    reader = asyncio.StreamReader(limit=frames.LARGEST_FRAME)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    packs, pipe = load_packs(), Pipe(reader, descriptor)
    pipe.send(Ready(tuple(packs.handlers), packs.broken, tuple(packs.probes)))
    run: PipedRun | None = None
    running: asyncio.Task[None] | None = None
    while (frame := await pipe.receive()) is not None:
        match frame:
            case Begin() as begin:
                run = PipedRun(begin, pipe)
                running = asyncio.create_task(run_one(begin, run, packs, pipe))
                # It has begun before anything else is read: what is cancelled before that would never say so.
                await asyncio.sleep(0)
            case Cancel() if running is not None:
                running.cancel()
            case Kept() | Told() as answer if run is not None:
                run.hear(answer)
    if running is not None:
        running.cancel()


def main() -> None:
    crash.watch(os.environ, "runner: ")
    watchdog.start(int(sys.argv[1]))
    # Standard output carries the frames; a handler's print must not get between them.
    descriptor = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(serve(descriptor))


if __name__ == "__main__":
    main()
