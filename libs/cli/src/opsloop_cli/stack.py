"""Everything that was planned, running: started side by side, provisioned, ready; stopped whatever happens."""

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from pathlib import Path

from opsloop_cli.keeper import Keeper
from opsloop_cli.plan import Program
from opsloop_cli.processes import Supervisor
from opsloop_cli.readiness import all_ready
from opsloop_common.bus import Bus, streams
from opsloop_common.runtime import CannotStart
from opsloop_common.subjects import Subjects

READY_WITHIN_SECONDS = 40.0
REACH_SECONDS = 2.0


class Stack:
    """What runs. `ready_seconds` is how long it took from the first start."""

    def __init__(self, supervisor: Supervisor, ready_seconds: float) -> None:
        self.supervisor = supervisor
        self.ready_seconds = ready_seconds

    async def hold(self) -> None:
        """Keeps everything running until cancelled. Raises CannotStart when a process dies again and again."""
        await Keeper(self.supervisor, tell=functools.partial(print, flush=True)).run()


@contextlib.asynccontextmanager
async def running(
    programs: tuple[Program, ...], *, logs: Path, nats_url: str, subjects: Subjects, publishers: Collection[str]
) -> AsyncIterator[Stack]:
    """Inside, everything is ready. Raises CannotStart when something cannot start; then nothing is left running."""

    async def prepare() -> None:
        await provision_when_there(nats_url, subjects, publishers, READY_WITHIN_SECONDS)
        await all_ready(programs, READY_WITHIN_SECONDS)

    started_at = time.monotonic()
    supervisor = Supervisor(logs)
    try:
        for program in programs:
            supervisor.start(program)
        await _unless_one_dies(supervisor, prepare)
        yield Stack(supervisor, time.monotonic() - started_at)
    finally:
        await supervisor.stop()


async def _unless_one_dies(supervisor: Supervisor, prepare: Callable[[], Coroutine[None, None, None]]) -> None:
    preparing, watching = asyncio.create_task(prepare()), asyncio.create_task(supervisor.watch())
    try:
        done, _ = await asyncio.wait({preparing, watching}, return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    finally:
        for task in (preparing, watching):
            task.cancel()
        await asyncio.gather(preparing, watching, return_exceptions=True)


async def reach(nats_url: str, deadline_seconds: float) -> Bus:
    """A connection to the broker, waited for until the deadline. Raises CannotStart."""
    give_up_at = time.monotonic() + deadline_seconds
    while True:
        try:
            return await Bus.connect(nats_url, "opsloop-cli")
        except OSError as error:
            if time.monotonic() >= give_up_at:
                raise CannotStart(
                    f"no broker at {nats_url} within {deadline_seconds:.0f} s: start one there, or correct NATS_URL"
                ) from error


async def provision_when_there(
    nats_url: str, subjects: Subjects, publishers: Collection[str] | None, deadline_seconds: float
) -> list[str]:
    """Connects, waiting for the broker, and creates what is missing: one line each. Raises CannotStart."""
    bus = await reach(nats_url, deadline_seconds)
    try:
        return await streams.provision(bus, subjects, publishers)
    except (OSError, streams.UnsafeTopology) as error:
        raise CannotStart(str(error)) from error
    finally:
        await bus.close()
