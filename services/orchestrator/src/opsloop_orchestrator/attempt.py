"""One running attempt: it listens to a runner, keeps what it says, and appends what it means.

Everything that changes the task goes through `_append`, which knows the last sequence of the task. When somebody else
moved the task, this attempt has lost it: it stops at once and writes nothing more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from opsloop_common.bus import Conflict
from opsloop_common.catalogue import TaskType
from opsloop_common.events import Failure, TaskState
from opsloop_common.measures import Measure
from opsloop_common.task import Target
from opsloop_orchestrator import frames, moves
from opsloop_orchestrator.frames import Begin, Failed, Finished, Kept, Line, Progress, StepDone
from opsloop_orchestrator.journal import FoundTask, Journal
from opsloop_orchestrator.lines import LogWriter
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.runners import RunnerProcess
from opsloop_orchestrator.steps import Steps

log = logging.getLogger(__name__)

Measuring = Callable[[str], Awaitable[tuple[Measure, ...]]]
"""The numbers of a target, within a moment."""

PROGRESS_EVERY_SECONDS = 0.5
PATIENCE_SECONDS = 30.0
"""How long an append waits for a broker that is away."""


class Attempt:
    """Runs one claimed task on one runner, to its end."""

    def __init__(
        self,
        *,
        claimed: FoundTask,
        kind: TaskType,
        target: Target,
        secrets: dict[str, str],
        runner: RunnerProcess,
        journal: Journal,
        steps: Steps,
        lines: LogWriter,
        measure: Measuring,
        clock: Callable[[], datetime],
    ) -> None:
        self._task = claimed.state
        self._sequence = claimed.sequence
        self._kind = kind
        self._target = target
        self._secrets = secrets
        self._runner = runner
        self._journal = journal
        self._steps = steps
        self._lines = lines
        self._measure = measure
        self._clock = clock
        self._percent_due: int | None = None
        self._appended_at = 0.0

    async def run(self) -> bool:
        """Runs to the end; returns whether the runner may be used again. Raises Conflict, BusError."""
        self._runner.send(await self._begin())
        ended: Finished | Failed | None = None
        try:
            async with asyncio.timeout(self._kind.timeout_seconds):
                ended = await self._listen()
        except TimeoutError:
            return await self._stop(lambda now: moves.overdue(self._task, self._kind, now))
        if ended is None:
            return await self._stop(lambda now: moves.abandoned(self._task, self._kind.effect, now))
        await self._lines.flush()
        await self._append(await self._end(ended))
        return True

    @property
    def state(self) -> TaskState:
        return self._task

    async def _begin(self) -> Begin:
        task = self._task
        return Begin(
            task=task.task,
            task_id=task.id,
            attempt=task.attempt,
            fence=task.fence,
            target=self._target,
            params=task.params,
            secrets=self._secrets,
            kept=await self._steps.kept(task.id, task.attempt),
        )

    async def _listen(self) -> Finished | Failed | None:
        """Frames until the task ends; None when the runner is gone."""
        receiving: asyncio.Task[frames.FromRunner | None] | None = None
        try:
            while True:
                receiving = receiving or asyncio.create_task(self._runner.receive())
                done, _ = await asyncio.wait({receiving}, timeout=self._until_progress_due())
                if not done:
                    await self._flush_progress()
                    continue
                frame, receiving = receiving.result(), None
                match frame:
                    case Finished() | Failed() | None:
                        return frame
                    case Line(text):
                        await self._lines.write(text)
                    case Progress(percent):
                        self._percent_due = percent
                    case StepDone() as step:
                        await self._keep(step)
        finally:
            if receiving is not None:
                receiving.cancel()

    async def _keep(self, done: StepDone) -> None:
        """The step's result is safe before the event that names it, and the event before the next step begins."""
        if not done.repeated:
            await self._steps.keep(self._task.id, self._task.attempt, done.name, done.result)
        self._percent_due = None
        await self._append(moves.step_done(self._task, done.name, done.percent))
        self._runner.send(Kept(done.name))

    def _until_progress_due(self) -> float | None:
        if self._percent_due is None:
            return None
        now = asyncio.get_running_loop().time()
        return max(0.0, self._appended_at + PROGRESS_EVERY_SECONDS - now)

    async def _flush_progress(self) -> None:
        percent, self._percent_due = self._percent_due, None
        if percent is not None and percent > self._task.percent:
            await self._append(moves.progressed(self._task, percent))

    async def _end(self, ended: Finished | Failed) -> Move:
        now = self._clock()
        if isinstance(ended, Finished):
            return moves.succeeded(self._task, ended.result, now, await self._measure(self._task.target))
        failure = Failure(code=ended.code, sentence=self._lines.redact(ended.sentence), step=ended.step)
        return moves.failed(self._task, failure, now)

    async def _stop(self, how: Callable[[datetime], Move]) -> bool:
        """Kills the runner first: once the end is written, nothing of this attempt may still act."""
        await self._runner.kill()
        await self._lines.flush()
        await self._catch_up()
        await self._append(how(self._clock()))
        return False

    async def _catch_up(self) -> None:
        """Takes over an event of ours whose append was cut off by the timeout. Raises Conflict if the task is lost."""
        found = await self._journal.task(self._task.id)
        if found is None or found.state.fence != self._task.fence or found.state.status != "running":
            raise Conflict(f"{self._task.id}: taken over by somebody else")
        self._task, self._sequence = found.state, found.sequence

    async def _append(self, move: Move) -> None:
        self._sequence = await self._journal.append(
            move.event, move.state, self._sequence, patience_seconds=PATIENCE_SECONDS
        )
        self._task = move.state
        self._appended_at = asyncio.get_running_loop().time()
