"""Child processes: each in a session of its own, logging to a file, dead when we are."""

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import time
from pathlib import Path

from opsloop_cli.plan import NATS, SANDBOX, Program, service_of
from opsloop_common.runtime import CannotStart, die_with_parent

LOOK_SECONDS = 0.05
LAST_LINES = 3
LONGEST_LINE = 500

# Who stops when: first whoever lets work in, last the broker. The next ones are told once these have ended, at the
# latest at this second of the stop: a task that cannot be repeated has four seconds to end by itself.
STOP_WAVES: tuple[tuple[frozenset[str], float], ...] = (
    (frozenset({"ingress"}), 3.0),
    (frozenset({"orchestrator", "notifier", "metrics"}), 9.0),
    (frozenset({SANDBOX}), 9.5),
    (frozenset({NATS}), 10.0),
)


class Child:
    """A started process. Its process group has the same number."""

    def __init__(self, program: Program, log: Path) -> None:
        self.name = program.name
        self.program = program
        self.log = log
        with contextlib.suppress(FileNotFoundError):
            log.replace(former(log))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                program.argv,
                env=program.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=functools.partial(die_with_parent, os.getpid()),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it lives; negative: the signal that killed it."""
        return self._process.poll()

    @property
    def fate(self) -> str:
        """How it ended, once it did."""
        return _how(self.exit_code)

    def signal(self, number: signal.Signals) -> None:
        """To the whole group, also when its leader is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def reap(self) -> None:
        self._process.wait(1)

    def kill(self) -> None:
        """With its group, and only then returns."""
        self.signal(signal.SIGKILL)
        self.reap()

    def obituary(self) -> str:
        """Who died how, and the last words."""
        lines = self.log.read_text(errors="replace").splitlines()
        words = [f"    {line[:LONGEST_LINE]}" for line in lines if line.strip()][-LAST_LINES:]
        head = f"{self.name} {self.fate}; see {self.log}, which ends with:"
        return "\n".join([head, *words])


class Supervisor:
    """Starts children and stops them all. `stop` must be called, whatever happened."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self.children: list[Child] = []
        self._expected: set[Child] = set()

    def start(self, program: Program) -> None:
        """Raises CannotStart when the program cannot be executed."""
        try:
            self.children.append(Child(program, self._logs / f"{program.name}.log"))
        except OSError as error:
            raise CannotStart(f"cannot start {program.name} ({program.argv[0]}): {error.strerror or error}") from error

    def expect_end(self, child: Child) -> None:
        """Its end is wanted: it stops nothing else."""
        self._expected.add(child)

    def restart(self, child: Child) -> None:
        """Starts an ended child's program again. Raises CannotStart."""
        self.children.remove(child)
        self._expected.discard(child)
        self.start(child.program)

    def dead(self) -> list[Child]:
        """The children that ended by themselves."""
        return [child for child in self.children if child.exit_code is not None and child not in self._expected]

    async def watch(self) -> None:
        """Runs until a child dies, which while all are starting is a mistake. Raises CannotStart, which tells of it."""
        while True:
            if dead := self.dead():
                raise CannotStart(f"everything was stopped, because {dead[0].obituary()}")
            await asyncio.sleep(LOOK_SECONDS)

    async def stop(self) -> None:
        """Ends every child, kindly first, within 10 s. Cancelled meanwhile, it kills at once."""
        started_at = time.monotonic()
        try:
            for services, until_seconds in STOP_WAVES:
                wave = [child for child in self.children if service_of(child.name) in services]
                for child in wave:
                    child.signal(signal.SIGTERM)
                await _all_ended(wave, started_at + until_seconds)
            await _all_ended(self.children, started_at + STOP_WAVES[-1][1])
        finally:
            for child in self.children:
                child.signal(signal.SIGKILL)
            for child in self.children:
                child.reap()


def former(log: Path) -> Path:
    """Where the log of the process before is kept."""
    return log.with_suffix(".log.old")


async def _all_ended(children: list[Child], deadline: float) -> None:
    # The kernel sets no asyncio.Event when a child ends.
    while time.monotonic() < deadline and any(child.exit_code is None for child in children):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def _how(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"was killed by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"
