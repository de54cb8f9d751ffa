"""The pool of runner processes: started ahead, used for one task at a time, killed with everything they started."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial

from opsloop_common import crash
from opsloop_common.runtime import die_with_parent
from opsloop_orchestrator import frames, watchdog
from opsloop_orchestrator.frames import Ready

log = logging.getLogger(__name__)

RESTART_PAUSE_SECONDS = 0.5


class RunnerProcess:
    """One runner, in a process group of its own."""

    def __init__(self, process: asyncio.subprocess.Process, watchdog_pipe: int) -> None:
        self._process = process
        self._watchdog_pipe = watchdog_pipe
        self._is_killed = False
        self.probes: frozenset[str] = frozenset()
        """The tasks that have a probe, as far as its task packs know."""

    @classmethod
    async def start(cls, environment: Mapping[str, str]) -> "RunnerProcess":
        """Starts a runner and waits until its task packs are loaded. Raises ConnectionError if it dies first."""
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "opsloop_orchestrator.runner",
                str(read_end),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=dict(environment),
                start_new_session=True,
                pass_fds=(read_end,),
                preexec_fn=partial(die_with_parent, os.getpid()),
                limit=frames.LARGEST_FRAME,
            )
        except OSError:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        runner = cls(process, write_end)
        try:
            ready = await runner.receive()
        except asyncio.CancelledError:
            # Nobody has it yet, so nobody else would end it.
            await runner.kill()
            raise
        if not isinstance(ready, Ready):
            await runner.kill()
            raise ConnectionError("the runner ended before it was ready")
        runner.probes = frozenset(ready.probes)
        for task, reason in ready.broken.items():
            log.error("task pack not loaded: %s: %s", task, reason)
        return runner

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    def send(self, frame: frames.ToRunner) -> None:
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            crash.crossing("before frame to runner:", frames.name, frame)
            self._process.stdin.write(frames.pack(frame))
            crash.crossing("after frame to runner:", frames.name, frame)

    async def receive(self) -> frames.FromRunner | None:
        """The next frame; None when the runner is gone."""
        if self._process.stdout is None:
            return None
        frame = await frames.read_from_runner(self._process.stdout)
        if frame is not None:
            crash.crossing("with frame from runner:", frames.name, frame)
        return frame

    def live_until(self, deadline: float) -> None:
        """Its watchdog kills it then, unless it is told a later time; see `watchdog`."""
        if not self._is_killed:
            watchdog.tell(self._watchdog_pipe, deadline)

    async def kill(self) -> None:
        """Kills the runner and whatever it started in its group."""
        if not self._is_killed:
            # Once only: afterwards the number may be that of a stranger's group.
            self._is_killed = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            os.close(self._watchdog_pipe)
        await self._process.wait()


class RunnerPool:
    """Keeps `size` runners ready. A runner that was killed is replaced in the background."""

    def __init__(self, size: int, environment: Mapping[str, str]) -> None:
        self._size = size
        self._environment = environment
        self._idle: asyncio.Queue[RunnerProcess] = asyncio.Queue()
        self._all: set[RunnerProcess] = set()
        self._gone = asyncio.Event()
        self._deadline: float | None = None
        self.probes: frozenset[str] | None = None
        """The tasks that have a probe; None until the first runner is ready."""

    async def run(self) -> None:
        """Fills the pool until cancelled; then kills every runner."""
        try:
            while True:
                self._gone.clear()
                while len(self._all) < self._size:
                    await self._add()
                await self._gone.wait()
        finally:
            await asyncio.gather(*(runner.kill() for runner in self._all))

    async def take(self) -> RunnerProcess:
        """An idle runner; waits for one."""
        while True:
            runner = await self._idle.get()
            if runner.is_alive:
                return runner
            self._forget(runner)

    async def give_back(self, runner: RunnerProcess, *, usable: bool) -> None:
        """Returns a runner after its task; one that is not usable any more is killed and replaced."""
        if usable and runner.is_alive:
            self._idle.put_nowait(runner)
            return
        await runner.kill()
        self._forget(runner)

    def live_until(self, deadline: float) -> None:
        """No runner, busy or idle, outlives this time unless it is told a later one."""
        self._deadline = deadline
        for runner in self._all:
            runner.live_until(deadline)

    async def kill_all(self) -> None:
        """Returns when every runner is dead; new ones take their places."""
        dying, self._deadline = list(self._all), None
        self._all.clear()
        await asyncio.gather(*(runner.kill() for runner in dying))
        self._gone.set()

    async def _add(self) -> None:
        try:
            runner = await RunnerProcess.start(self._environment)
        except (ConnectionError, OSError) as error:
            log.error("cannot start a runner: %s", error)
            await asyncio.sleep(RESTART_PAUSE_SECONDS)
            return
        self.probes = runner.probes
        if self._deadline is not None:
            runner.live_until(self._deadline)
        self._all.add(runner)
        self._idle.put_nowait(runner)

    def _forget(self, runner: RunnerProcess) -> None:
        self._all.discard(runner)
        self._gone.set()
