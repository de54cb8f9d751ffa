"""The worker takes queued tasks up and sees them through.

A `queued` event only wakes it. What decides is the task's own state, its target's record and the append of `started`,
which only one worker can win.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from opsloop_common import tracing
from opsloop_common.audit import Decision
from opsloop_common.bus import BusError, Conflict
from opsloop_common.bus.consume import Ack, Delivery, Outcome, Retry
from opsloop_common.catalogue import Catalogue, Effect, TaskType
from opsloop_common.events import TaskState
from opsloop_common.log import fields
from opsloop_common.subjects import id_in
from opsloop_orchestrator import deadlines, moves, overruns, rights, tries
from opsloop_orchestrator.attempt import Answering, Attempt
from opsloop_orchestrator.decisions import not_started
from opsloop_orchestrator.denials import log_denial
from opsloop_orchestrator.identities import Identify
from opsloop_orchestrator.journal import FoundTask, Journal
from opsloop_orchestrator.leases import Lease, Leases
from opsloop_orchestrator.line import Line
from opsloop_orchestrator.lines import LogWriter
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.readings import Readings
from opsloop_orchestrator.runners import RunnerPool, RunnerProcess
from opsloop_orchestrator.steps import Steps
from opsloop_orchestrator.targets import Targets

log = logging.getLogger(__name__)

RETRY_WITHOUT_ROOM_SECONDS = 1.0
RUNNER_WITHIN_SECONDS = 30.0
HAND_OVER_SECONDS = 8.0
"""What a stop waits for all tasks to be handed over, or to end."""
STARTED_WITHIN_SECONDS = 5.0
"""How long a worker insists on a `started` that the broker does not confirm: left alone, it might have been stored."""


class Claimed(msgspec.Struct, frozen=True):
    """A task that is ours under a lease, and under that one alone."""

    task: FoundTask
    lease: Lease


class Worker:
    """Runs as many tasks side by side as there are slots."""

    def __init__(
        self,
        *,
        leases: Leases,
        slots: int,
        journal: Journal,
        targets: Targets,
        steps: Steps,
        runners: RunnerPool,
        catalogue: Catalogue,
        secrets: Callable[[str], dict[str, str]],
        readings: Readings,
        answer: Answering,
        identify: Identify,
        line: Line,
        start_within: timedelta,
        log_writer: Callable[[TaskState, Lease], LogWriter],
        clock: Callable[[], datetime],
    ) -> None:
        self._leases = leases
        self._slots = slots
        self._journal = journal
        self._targets = targets
        self._steps = steps
        self._runners = runners
        self._catalogue = catalogue
        self._secrets = secrets
        self._readings = readings
        self._answer = answer
        self._identify = identify
        self._line = line
        self._start_within = start_within
        self._log_writer = log_writer
        self._clock = clock
        self._attempts: dict[str, Attempt] = {}
        self._claiming: set[str] = set()
        self._at_work: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()
        self.running: set[str] = set()

    @property
    def has_room(self) -> bool:
        """Whether another task could be taken up. Without a lease nothing is."""
        return len(self.running) < self._slots and self._leases.lease.is_held and not self._leaving.is_set()

    async def handle(self, delivery: Delivery) -> Outcome:
        """Takes up the task of a `queued` event, if it is its turn. The message is done once the task is ours."""
        if not self.has_room:
            return Retry(RETRY_WITHOUT_ROOM_SECONDS)
        is_ours = await self.take_up(id_in(delivery.subject))
        return Ack() if is_ours or self.has_room else Retry(RETRY_WITHOUT_ROOM_SECONDS)

    async def take_up(self, id: str) -> bool:
        """Makes the task ours by appending `started`, and runs it beside everything else.

        False when it is not its turn, or somebody else's. Raises BusError.
        """
        if id in self.running or id in self._claiming:
            return False
        self._claiming.add(id)
        try:
            claimed = await self._claim(id)
        finally:
            self._claiming.discard(id)
        if claimed is not None:
            working = asyncio.create_task(self._run(claimed))
            self._at_work.add(working)
            working.add_done_callback(self._at_work.discard)
        return claimed is not None

    async def hand_over(self) -> None:
        """Takes up nothing more, and leaves what runs here to others at once, as far as it can be repeated."""
        self._leaving.set()
        for attempt in self._attempts.values():
            attempt.hand_over()
        if self._at_work:
            _, late = await asyncio.wait(set(self._at_work), timeout=HAND_OVER_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _claim(self, id: str) -> Claimed | None:
        found = await self._journal.task(id)
        if found is None or found.state.status != "queued" or found.state.external is not None:
            return None
        task = found.state
        kind = self._catalogue.tasks.get(task.task)
        if await self._expire(found, kind) or await self._targets.holder(task) != id:
            return None
        if kind is None or task.target not in self._catalogue.targets:
            await self._end_unstarted(found, moves.forgotten(task, self._clock()))
            return None
        if not await self._is_allowed(found, kind):
            return None
        # Looked at again: others may have taken the room while it was asked who this is.
        return await self._start(found, kind) if self.has_room else None

    async def expire(self, id: str) -> bool:
        """Ends a queued task whose time is over; whether it was."""
        found = await self._journal.task(id)
        return found is not None and await self._expire(found, self._catalogue.tasks.get(found.state.task))

    async def _expire(self, found: FoundTask, kind: TaskType | None) -> bool:
        move = overruns.unstarted(found.state, kind, self._start_within, self._clock()) if kind else None
        if move is not None:
            await self._end_unstarted(found, move)
        return move is not None

    async def _start(self, found: FoundTask, kind: TaskType) -> Claimed | None:
        lease = self._leases.lease
        move = moves.start(found.state, kind, lease.owner, self._clock())
        self.running.add(found.state.id)
        started = None
        try:
            sequence = await self._journal.append(
                move.event, move.state, found.sequence, patience_seconds=STARTED_WITHIN_SECONDS, permit=lease
            )
            started = Claimed(FoundTask(move.state, sequence, found.traceparent), lease)
        except Conflict:
            log.info("task %s is another worker's", found.state.id)
        finally:
            if started is None:
                self.running.discard(found.state.id)
        return started

    async def _is_allowed(self, found: FoundTask, kind: TaskType) -> bool:
        """Rights may have changed since the click. Where nobody can tell, the task waits, but not for ever."""
        task, now = found.state, self._clock()
        is_just_asked = task.parent is None and task.tries == 1
        if is_just_asked and not kind.asks_who:
            return True
        identity = await self._identify(task.tried_by) if kind.asks_who else None
        no = rights.may_run(task.tried_by, kind, identity)
        if no is None:
            return True
        if no.is_for_now and now < deadlines.start_by(task, kind, self._start_within):
            await self._hold(found)
            return False
        log_denial(task.tried_by, task.task, task.target, no)
        move = moves.not_allowed(task, no.is_for_now, self._catalogue.access, now)
        await self._end_unstarted(found, move, not_started(task, f"{no.reason} {no.identity}".strip()))
        return False

    async def _hold(self, found: FoundTask) -> None:
        if found.state.holds_for:
            return
        move = moves.held(found.state)
        with contextlib.suppress(Conflict):
            await self._journal.append(move.event, move.state, found.sequence)

    def has_probe(self, task: str) -> bool | None:
        """Whether it can be found out if such a task took effect; None while no runner is there that knows."""
        return None if self._runners.probes is None else task in self._runners.probes

    def cancel(self, id: str) -> None:
        """Tells a task that runs here that it is to end."""
        if attempt := self._attempts.get(id):
            attempt.cancel()

    async def _run(self, claimed: Claimed) -> None:
        """Runs a claimed task to its end, then lets the next one in line start."""
        task = claimed.task.state
        try:
            runner = await self._runner()
            if runner is None:
                await self._give_up(claimed)
            else:
                await self._run_on(runner, claimed)
        except Exception:
            log.exception("task %s is left to whoever finds it", task.id)
        finally:
            self.running.discard(task.id)
        await self._line.release(task)

    async def _runner(self) -> RunnerProcess | None:
        """An idle runner; None when there is none in time, or this process is to stop."""
        taking, leaving = asyncio.create_task(self._runners.take()), asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait({taking, leaving}, timeout=RUNNER_WITHIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            return taking.result() if taking.done() else None
        finally:
            leaving.cancel()
            taking.cancel()

    async def _run_on(self, runner: RunnerProcess, claimed: Claimed) -> None:
        id, usable = claimed.task.state.id, False
        try:
            attempt = self._attempts[id] = self._attempt(claimed, runner)
            if self._leaving.is_set():
                attempt.hand_over()
            with tracing.span(f"run {claimed.task.state.task}", claimed.task.traceparent), fields(task=id):
                usable = await attempt.run()
            self._readings.look_again(id)
        except Conflict:
            log.warning("task %s was taken over: stopped here", id)
        except BusError as error:
            log.error("task %s is left to whoever finds it: %s", id, error)
        finally:
            self._attempts.pop(id, None)
            await self._runners.give_back(runner, usable=usable)

    async def _give_up(self, claimed: Claimed) -> None:
        """No runner for it here. Nothing was done yet, so the task is queued again, or fails at last."""
        found = claimed.task
        log.error("no runner for task %s", found.state.id)
        leave = moves.handed_over if self._leaving.is_set() else moves.abandoned
        effect: Effect = "at_most_once" if found.state.probing else "idempotent"
        move = leave(found.state, effect, self._clock(), has_probe=found.state.probing)
        try:
            await self._journal.append(move.event, move.state, found.sequence, permit=claimed.lease)
        except BusError as error:
            log.error("task %s is left to whoever finds it: %s", found.state.id, error)

    def _attempt(self, claimed: Claimed, runner: RunnerProcess) -> Attempt:
        task = claimed.task.state
        return Attempt(
            claimed=claimed.task,
            lease=claimed.lease,
            kind=self._catalogue.tasks[task.task],
            target=self._catalogue.targets[task.target],
            secrets=self._secrets(task.target),
            runner=runner,
            journal=self._journal,
            steps=self._steps,
            lines=self._log_writer(task, claimed.lease),
            measure=self._readings.of,
            answer=self._answer,
            has_probe=task.task in runner.probes,
            clock=self._clock,
        )

    async def _end_unstarted(self, found: FoundTask, move: Move, decision: Decision | None = None) -> None:
        """The task cannot start: it ends, and says so."""
        move = tries.or_again(move, self._catalogue.tasks.get(found.state.task), self._clock())
        try:
            await self._journal.append(move.event, move.state, found.sequence, decision=decision)
        except Conflict:
            return
        await self._line.release(found.state)
