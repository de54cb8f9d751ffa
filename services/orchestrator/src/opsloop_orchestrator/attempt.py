"""One running attempt: it listens to a runner, keeps what it says, and appends what it means.

Everything that changes the task goes through `_append`, which knows the last sequence of the task. The one thing that
others may add to a running task is the wish to cancel it; any other change means that this attempt has lost the task:
it stops at once and writes nothing more. The same holds once the lease it was claimed under has lapsed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

from opsloop_common import tracing
from opsloop_common.bus import Conflict
from opsloop_common.catalogue import TaskType
from opsloop_common.events import Failure, TaskState
from opsloop_common.measures import Measure
from opsloop_common.task import Target
from opsloop_orchestrator import doubts, frames, moves, overruns, tries
from opsloop_orchestrator.frames import (
    AskCourse,
    AskEarlier,
    AskValue,
    Begin,
    Cancel,
    Failed,
    Finished,
    Kept,
    Line,
    Probed,
    Progress,
    Question,
    StepDone,
    Stopped,
    Told,
)
from opsloop_orchestrator.journal import FoundTask, Journal
from opsloop_orchestrator.leases import Lease
from opsloop_orchestrator.lines import LogWriter
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.pulse import Pulse
from opsloop_orchestrator.runners import RunnerProcess
from opsloop_orchestrator.steps import Steps

log = logging.getLogger(__name__)

Measuring = Callable[[str], Coroutine[Any, Any, tuple[Measure, ...]]]
"""The numbers of a target, within a moment."""

Answering = Callable[[Question, TaskState], Awaitable[bytes | None]]
"""Answers what a handler asks, as JSON; None where there is no answer."""
Change = Callable[[TaskState, datetime], Move]
"""What becomes of the task as it is, at that time."""
Ended = Finished | Failed | Stopped | Probed | None
"""How a runner is done with a task; None when the runner itself is gone."""

PROGRESS_EVERY_SECONDS = 0.5
PATIENCE_SECONDS = 30.0
"""How long an append waits for a broker that refuses it, while the lease is held."""
LAST_CHANCE_SECONDS = 4.0
"""What a task that cannot be repeated gets to end by itself when its process is to stop."""
LAST_LOOK_SECONDS = 0.2
"""A process that slept itself has signs of life waiting in the pipe."""


class Silent(Exception):
    """The task gave no sign of life for longer than its kind allows."""


class Attempt:
    """Runs one claimed task on one runner, to its end."""

    def __init__(
        self,
        *,
        claimed: FoundTask,
        lease: Lease,
        kind: TaskType,
        target: Target,
        secrets: dict[str, str],
        runner: RunnerProcess,
        journal: Journal,
        steps: Steps,
        lines: LogWriter,
        measure: Measuring,
        answer: Answering,
        has_probe: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._task = claimed.state
        self._sequence = claimed.sequence
        self._lease = lease
        self._kind = kind
        self._target = target
        self._secrets = secrets
        self._runner = runner
        self._journal = journal
        self._steps = steps
        self._lines = lines
        self._measure = measure
        self._answer = answer
        self._has_probe = has_probe
        self._clock = clock
        self._before: asyncio.Task[tuple[Measure, ...]] | None = None
        self._questions: set[asyncio.Task[None]] = set()
        self._percent_due: int | None = None
        self._appended_at = 0.0
        self._cancelled = asyncio.Event()
        self._handed_over = asyncio.Event()

    async def run(self) -> bool:
        """Runs to the end; returns whether the runner may be used again. Raises Conflict, Lapsed, BusError."""
        begin = await self._lease.patiently(self._begin)
        self._lease.check()
        self._runner.send(begin)
        if not self._task.before:
            self._before = asyncio.create_task(self._measure(self._task.target))
        try:
            return await self._run()
        finally:
            for task in (*self._questions, *([self._before] if self._before else [])):
                task.cancel()

    def cancel(self) -> None:
        """Somebody wants the task to end. Repeating it changes nothing."""
        self._cancelled.set()

    def hand_over(self) -> None:
        """This process is to stop: somebody else goes on with the task, if it is of the kind that can be repeated."""
        loop = asyncio.get_running_loop()
        grace_seconds = LAST_CHANCE_SECONDS if self._kind.effect == "at_most_once" else 0.0
        loop.call_later(grace_seconds, self._handed_over.set)

    @property
    def state(self) -> TaskState:
        return self._task

    async def _run(self) -> bool:
        try:
            async with asyncio.timeout(self._seconds_left()):
                ended = await self._listen_until_cancelled()
        except TimeoutError:
            return await self._stop(
                lambda task, now: overruns.running(task, self._kind, now, has_probe=self._has_probe)
            )
        except Silent:
            return await self._stop(lambda task, now: overruns.silent(task, self._kind, now, has_probe=self._has_probe))
        if ended is None:
            leave = moves.handed_over if self._handed_over.is_set() else moves.abandoned
            return await self._stop(lambda task, now: leave(task, self._kind.effect, now, has_probe=self._has_probe))
        await self._lines.flush()
        await self._settle_before()
        end = await self._end(ended)
        await self._append(lambda task: self._or_again(end(task, self._clock())))
        return True

    def _seconds_left(self) -> float:
        """Of the time the attempt has, whichever process began it."""
        due_at = self._task.due_at
        return max(0.0, (due_at - self._clock()).total_seconds()) if due_at else self._kind.timeout_seconds

    def _or_again(self, move: Move) -> Move:
        return tries.or_again(move, self._kind, self._clock())

    async def _begin(self) -> Begin:
        task = self._task
        return Begin(
            task=task.task,
            task_id=task.id,
            attempt=task.attempt,
            fence=task.fence,
            target=self._target,
            params=task.params,
            settings=self._kind.settings,
            secrets=self._secrets,
            kept=await self._steps.kept(task.id, task.attempt),
            probe=task.probing,
            traceparent=tracing.current(),
        )

    async def _listen_until_cancelled(self) -> Ended:
        """How the runner ends the task; once it is cancelled, it has the grace of its kind to do so.

        None when the runner is gone, or is to go.
        """
        listening = asyncio.create_task(self._listen())
        cancelled = asyncio.create_task(self._cancelled.wait())
        leaving = asyncio.create_task(self._handed_over.wait())
        try:
            await asyncio.wait({listening, cancelled, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done() and not leaving.done():
                await self._lines.write("Cancelled: the task is told to end.")
                self._runner.send(Cancel())
                grace_seconds = self._kind.cancel_grace_seconds
                await asyncio.wait({listening, leaving}, timeout=grace_seconds, return_when=asyncio.FIRST_COMPLETED)
            return listening.result() if listening.done() else None
        finally:
            for task in (cancelled, leaving, listening):
                task.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> Ended:
        """Frames until the task ends; None when the runner is gone."""
        receiving: asyncio.Task[frames.FromRunner | None] | None = None
        pulse = Pulse(self._kind, asyncio.get_running_loop().time())
        try:
            while True:
                receiving = receiving or asyncio.create_task(self._runner.receive())
                done, _ = await asyncio.wait({receiving}, timeout=self._until_look(pulse))
                if not done:
                    await self._look(pulse, receiving)
                    continue
                frame, receiving = receiving.result(), None
                self._lease.check()
                match frame:
                    case Finished() | Failed() | Stopped() | Probed() | None:
                        return frame
                    case Line(text):
                        await self._lines.write(text)
                    case Progress(percent):
                        self._percent_due = percent
                    case StepDone() as step:
                        await self._keep(step)
                    case AskValue() | AskCourse() | AskEarlier() as question:
                        self._tell(question)
                await self._feel(pulse)
        finally:
            if receiving is not None:
                receiving.cancel()

    def _tell(self, question: Question) -> None:
        """Answers beside everything else: a slow answer holds up nothing but the one who asked."""

        async def tell() -> None:
            self._runner.send(Told(question.number, await self._answer(question, self._task)))

        telling = asyncio.create_task(tell())
        self._questions.add(telling)
        telling.add_done_callback(self._questions.discard)

    async def _keep(self, done: StepDone) -> None:
        """The step's result is safe before the event that names it, and the event before the next step begins."""
        if not done.repeated:
            task = self._task
            await self._lease.patiently(
                lambda: self._steps.keep(task.id, task.attempt, task.fence, done.name, done.result)
            )
        self._percent_due = None
        await self._append(lambda task: moves.step_done(task, done.name, done.percent))
        self._runner.send(Kept(done.name))

    def _until_look(self, pulse: Pulse) -> float | None:
        """Seconds until progress is to be told, or silence; None for never."""
        progress_at = self._appended_at + PROGRESS_EVERY_SECONDS if self._percent_due is not None else None
        times = [at for at in (progress_at, None if self._task.probing else pulse.look_at()) if at is not None]
        return max(0.0, min(times) - asyncio.get_running_loop().time()) if times else None

    async def _look(self, pulse: Pulse, receiving: asyncio.Task[frames.FromRunner | None]) -> None:
        """Tells what is due. Raises Silent."""
        if self._percent_due is not None:
            return await self._flush_progress()
        now = asyncio.get_running_loop().time()
        if pulse.is_gone(now):
            done, _ = await asyncio.wait({receiving}, timeout=LAST_LOOK_SECONDS)
            if not done:
                raise Silent
        elif (seconds := pulse.silence(now)) is not None:
            await self._append(lambda task: moves.stalled(task, seconds, self._clock()))
        return None

    async def _feel(self, pulse: Pulse) -> None:
        """A sign of life, now that what it said is done: what we kept the task waiting for is no silence of its own."""
        pulse.feel(asyncio.get_running_loop().time())
        if self._task.silent_since is not None:
            await self._append(lambda task: moves.progressed(task, task.percent))

    async def _flush_progress(self) -> None:
        percent, self._percent_due = self._percent_due, None
        if percent is not None and percent > self._task.percent:
            await self._append(lambda task: moves.progressed(task, percent))

    async def _end(self, ended: Finished | Failed | Stopped | Probed) -> Change:
        """The end as it follows from the task at the time: a wish to cancel may have come in between."""
        if isinstance(ended, Probed):
            return lambda task, now: doubts.probed(task, ended.took_effect, now)
        if isinstance(ended, Finished):
            measures = await self._measure(self._task.target)
            return lambda task, now: moves.succeeded(task, ended.result, now, measures)
        failure = Failure(code=doubts.BUG, sentence="It ended as if it were cancelled, but nobody did that.")
        if isinstance(ended, Failed):
            failure = Failure(code=ended.code, sentence=self._lines.redact(ended.sentence), step=ended.step)

        def change(task: TaskState, now: datetime) -> Move:
            if task.cancelled_by and not task.probing:
                return moves.cancelled(task, now)
            return doubts.failed(task, failure, self._kind.effect, now, has_probe=self._has_probe)

        return change

    async def _stop(self, how: Change) -> bool:
        """Kills the runner first: once the end is written, nothing of this attempt may still act."""
        await self._runner.kill()
        await self._lines.flush()
        await self._catch_up()

        def change(task: TaskState) -> Move:
            now = self._clock()
            return moves.stopped(task, self._kind.effect, now) if task.cancelled_by else self._or_again(how(task, now))

        await self._append(change)
        return False

    async def _settle_before(self) -> None:
        """Waits for the numbers of the beginning, which were asked for then."""
        if self._before is not None and not self._before.done():
            await asyncio.wait({self._before})

    async def _catch_up(self) -> None:
        """Takes over what was written meanwhile: an event of ours whose append was cut off, or the wish to cancel.

        Raises Conflict if the task is lost.
        """
        found = await self._lease.patiently(lambda: self._journal.task(self._task.id))
        if found is None or found.state.fence != self._task.fence or found.state.status != "running":
            raise Conflict(f"{self._task.id}: taken over by somebody else")
        self._task, self._sequence = found.state, found.sequence
        if self._task.cancelled_by:
            self.cancel()

    async def _append(self, change: Callable[[TaskState], Move]) -> None:
        """Appends what becomes of the task as it is now."""
        while True:
            move, known = change(self._with_before()), self._sequence
            try:
                self._sequence = await self._journal.append(
                    move.event, move.state, known, patience_seconds=PATIENCE_SECONDS, permit=self._lease
                )
                break
            except Conflict:
                await self._catch_up()
                if self._sequence == known:
                    raise
        self._task = move.state
        self._appended_at = asyncio.get_running_loop().time()

    def _with_before(self) -> TaskState:
        """The task with the numbers of its beginning, once they are known."""
        if self._task.before or self._before is None or not self._before.done() or self._before.cancelled():
            return self._task
        return moves.began_with(self._task, self._before.result())
