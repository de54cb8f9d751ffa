"""The worker takes queued tasks up and sees them through.

A `queued` event only wakes it. What decides is the task's own state, its target's record and the append of `started`,
which only one worker can win.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from opsloop_common.bus import BusError, Conflict
from opsloop_common.bus.consume import Ack, Delivery, Hold, Outcome, Retry
from opsloop_common.catalogue import Catalogue
from opsloop_common.events import TaskState
from opsloop_common.subjects import id_in
from opsloop_orchestrator import moves
from opsloop_orchestrator.attempt import Attempt
from opsloop_orchestrator.journal import FoundTask, Journal
from opsloop_orchestrator.lines import LogWriter
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
        self._log_writer = log_writer
        self._clock = clock
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
            return Ack()
        await delivery.ack()
        await self.run(claimed)
        return Hold()

    async def claim(self, id: str) -> FoundTask | None:
        """Makes the task ours by appending `started`; None when it is not its turn, or somebody else's."""
        if id in self.running:
            return None
        self.running.add(id)
        claimed = None
        try:
            claimed = await self._claim(id)
        finally:
            if claimed is None:
                self.running.discard(id)
        return claimed

    async def _claim(self, id: str) -> FoundTask | None:
        found = await self._journal.task(id)
        if found is None or found.state.status != "queued":
            return None
        task = found.state
        kind = self._catalogue.tasks.get(task.task)
        if await self._targets.holder(task) != id:
            return None
        if kind is None or task.target not in self._catalogue.targets:
            await self._refuse(found)
            return None
        move = moves.start(task, kind, self._owner, self._clock())
        try:
            return FoundTask(move.state, await self._journal.append(move.event, move.state, found.sequence))
        except Conflict:
            return None

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
        await self.release(task)

    async def _run_on(self, runner: RunnerProcess, claimed: FoundTask) -> None:
        usable = False
        try:
            usable = await self._attempt(claimed, runner).run()
            self._readings.look_again(claimed.state.id)
        except Conflict:
            log.warning("task %s was taken over: stopped here", claimed.state.id)
        except BusError as error:
            log.error("task %s is left to whoever finds it: %s", claimed.state.id, error)
        finally:
            await self._runners.give_back(runner, usable=usable)

    async def _give_up(self, claimed: FoundTask) -> None:
        """No runner could be started here. Nothing was done yet, so the task is queued again, or fails at last."""
        log.error("no runner for task %s within %g s", claimed.state.id, RUNNER_WITHIN_SECONDS)
        move = moves.abandoned(claimed.state, "idempotent", self._clock())
        try:
            await self._journal.append(move.event, move.state, claimed.sequence)
        except BusError as error:
            log.error("task %s is left to whoever finds it: %s", claimed.state.id, error)

    async def release(self, task: TaskState) -> None:
        """Gives the target to the next in line and wakes it. What fails here the sweeper repairs."""
        try:
            found = await self._journal.task(task.id)
            if found is not None and found.state.is_open:
                return
            successor = await self._targets.leave(task)
            if successor:
                await self.wake(successor)
        except BusError as error:
            log.warning("the next task of %s waits for the sweeper: %s", task.target, error)

    async def wake(self, id: str) -> None:
        """Tells whoever has room that a waiting task is first in line now, and its card with it."""
        found = await self._journal.task(id)
        if found is None or found.state.status != "queued" or not found.state.place:
            return
        try:
            await self._journal.append("queued", moves.queued_behind(found.state, None, 0), found.sequence)
        except Conflict:
            log.info("task %s moved while it was woken", id)

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
            clock=self._clock,
        )

    async def _refuse(self, found: FoundTask) -> None:
        """The catalogue no longer has what the task needs: it fails, and says so."""
        move = moves.forgotten(found.state, self._clock())
        try:
            await self._journal.append(move.event, move.state, found.sequence)
        except Conflict:
            return
        await self.release(found.state)
