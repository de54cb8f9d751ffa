"""The worker takes queued tasks up and sees them through.

A `queued` event only wakes it. What decides is the task's own state, its target's record and the append of `started`,
which only one worker can win.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from opsloop_common.bus import BusError, Conflict
from opsloop_common.bus.consume import Ack, Delivery, Hold, Outcome, Retry
from opsloop_common.catalogue import Catalogue, TaskType
from opsloop_common.events import TaskState
from opsloop_common.subjects import id_in
from opsloop_orchestrator import moves, rights
from opsloop_orchestrator.attempt import Answering, Attempt
from opsloop_orchestrator.denials import log_denial
from opsloop_orchestrator.identities import Identify
from opsloop_orchestrator.journal import FoundTask, Journal
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


class Worker:
    """Runs as many tasks side by side as there are slots."""

    def __init__(
        self,
        *,
        owner: str,
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
        log_writer: Callable[[TaskState], LogWriter],
        clock: Callable[[], datetime],
    ) -> None:
        self._owner = owner
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
        self.running: set[str] = set()

    @property
    def has_room(self) -> bool:
        return len(self.running) < self._slots

    async def handle(self, delivery: Delivery) -> Outcome:
        """Runs the task of a `queued` event, if it is this task's turn. The message is done once the task is ours."""
        if not self.has_room:
            return Retry(RETRY_WITHOUT_ROOM_SECONDS)
        claimed = await self.claim(id_in(delivery.subject))
        if claimed is None:
            return Ack() if self.has_room else Retry(RETRY_WITHOUT_ROOM_SECONDS)
        await delivery.ack()
        await self.run(claimed)
        return Hold()

    async def claim(self, id: str) -> FoundTask | None:
        """Makes the task ours by appending `started`; None when it is not its turn, or somebody else's."""
        if id in self.running or id in self._claiming:
            return None
        self._claiming.add(id)
        try:
            return await self._claim(id)
        finally:
            self._claiming.discard(id)

    async def _claim(self, id: str) -> FoundTask | None:
        found = await self._journal.task(id)
        if found is None or found.state.status != "queued":
            return None
        task = found.state
        kind = self._catalogue.tasks.get(task.task)
        if await self._targets.holder(task) != id:
            return None
        if kind is None or task.target not in self._catalogue.targets:
            await self._end_unstarted(found, moves.forgotten(task, self._clock()))
            return None
        if not await self._is_allowed(found, kind):
            return None
        # Looked at again: others may have taken the room while it was asked who this is.
        return await self._start(found, kind) if self.has_room else None

    async def _start(self, found: FoundTask, kind: TaskType) -> FoundTask | None:
        move = moves.start(found.state, kind, self._owner, self._clock())
        self.running.add(found.state.id)
        started = None
        try:
            started = FoundTask(move.state, await self._journal.append(move.event, move.state, found.sequence))
        except Conflict:
            log.info("task %s is another worker's", found.state.id)
        finally:
            if started is None:
                self.running.discard(found.state.id)
        return started

    async def _is_allowed(self, found: FoundTask, kind: TaskType) -> bool:
        """Rights may have changed since the click. Where nobody can tell, the task waits, but not for ever."""
        task, now = found.state, self._clock()
        if task.parent is None and not kind.asks_who:
            return True
        identity = await self._identify(task.tried_by) if kind.asks_who else None
        no = rights.may_run(task.tried_by, kind, identity)
        if no is None:
            return True
        waited = now - (task.queued_at or task.requested_at)
        if no.is_for_now and waited < self._start_within:
            await self._hold(found)
            return False
        log_denial(task.tried_by, task.task, task.target, no)
        await self._end_unstarted(found, moves.not_allowed(task, no.is_for_now, self._catalogue.access, now))
        return False

    async def _hold(self, found: FoundTask) -> None:
        if found.state.holds_for:
            return
        move = moves.held(found.state)
        with contextlib.suppress(Conflict):
            await self._journal.append(move.event, move.state, found.sequence)

    def cancel(self, id: str) -> None:
        """Tells a task that runs here that it is to end."""
        if attempt := self._attempts.get(id):
            attempt.cancel()

    async def run(self, claimed: FoundTask) -> None:
        """Runs a claimed task to its end, then lets the next one in line start."""
        task = claimed.state
        try:
            async with asyncio.timeout(RUNNER_WITHIN_SECONDS):
                runner = await self._runners.take()
        except TimeoutError:
            await self._give_up(claimed)
        else:
            await self._run_on(runner, claimed)
        finally:
            self.running.discard(task.id)
        await self._line.release(task)

    async def _run_on(self, runner: RunnerProcess, claimed: FoundTask) -> None:
        usable = False
        try:
            attempt = self._attempts[claimed.state.id] = self._attempt(claimed, runner)
            usable = await attempt.run()
            self._readings.look_again(claimed.state.id)
        except Conflict:
            log.warning("task %s was taken over: stopped here", claimed.state.id)
        except BusError as error:
            log.error("task %s is left to whoever finds it: %s", claimed.state.id, error)
        finally:
            self._attempts.pop(claimed.state.id, None)
            await self._runners.give_back(runner, usable=usable)

    async def _give_up(self, claimed: FoundTask) -> None:
        """No runner could be started here. Nothing was done yet, so the task is queued again, or fails at last."""
        log.error("no runner for task %s within %g s", claimed.state.id, RUNNER_WITHIN_SECONDS)
        move = moves.abandoned(claimed.state, "idempotent", self._clock())
        try:
            await self._journal.append(move.event, move.state, claimed.sequence)
        except BusError as error:
            log.error("task %s is left to whoever finds it: %s", claimed.state.id, error)

    def _attempt(self, claimed: FoundTask, runner: RunnerProcess) -> Attempt:
        task = claimed.state
        return Attempt(
            claimed=claimed,
            kind=self._catalogue.tasks[task.task],
            target=self._catalogue.targets[task.target],
            secrets=self._secrets(task.target),
            runner=runner,
            journal=self._journal,
            steps=self._steps,
            lines=self._log_writer(task),
            measure=self._readings.of,
            answer=self._answer,
            clock=self._clock,
        )

    async def _end_unstarted(self, found: FoundTask, move: Move) -> None:
        """The task cannot start: it ends, and says so."""
        try:
            await self._journal.append(move.event, move.state, found.sequence)
        except Conflict:
            return
        await self._line.release(found.state)
