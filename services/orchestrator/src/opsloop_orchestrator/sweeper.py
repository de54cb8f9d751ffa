"""The sweeper: once a second it looks for tasks that stopped between two steps, and has them completed."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from opsloop_common.bus import BusError, Conflict
from opsloop_common.catalogue import Catalogue
from opsloop_orchestrator import moves, tries
from opsloop_orchestrator.journal import Journal
from opsloop_orchestrator.leases import Leases
from opsloop_orchestrator.line import Line
from opsloop_orchestrator.projection import Projection, Row
from opsloop_orchestrator.worker import Worker

log = logging.getLogger(__name__)

SEEN_OWNERLESS_BEFORE_ABANDONED = 3
SEEN_OWNERLESS_BEFORE_UNPROBED = 30
"""A task that may have a probe waits so many looks for a runner that knows."""
QUEUED_UNNOTICED_SECONDS = 3.0
LONGEST_PAUSE_SECONDS = 10.0
"""Between two tries of a task that has waited for long behind one that runs."""
IDLE_TARGET_PAUSE_SECONDS = 3.0
"""The same where nothing runs: whoever ended there may have died before it woke the next."""


class Sweeper:
    def __init__(
        self,
        *,
        projection: Projection,
        journal: Journal,
        leases: Leases,
        worker: Worker,
        line: Line,
        catalogue: Catalogue,
        every_seconds: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._projection = projection
        self._journal = journal
        self._leases = leases
        self._worker = worker
        self._line = line
        self._catalogue = catalogue
        self._every_seconds = every_seconds
        self._clock = clock
        self._ownerless: dict[str, int] = {}
        self._put_off_until: dict[str, float] = {}
        self._started: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Sweeps until cancelled; the tasks it started end with it."""
        try:
            while True:
                await asyncio.sleep(self._every_seconds)
                try:
                    await self.sweep()
                except BusError as error:
                    log.warning("sweep put off: %s", error)
                    self._ownerless.clear()
        finally:
            for task in self._started:
                task.cancel()

    async def sweep(self) -> None:
        """One look at every open task. Raises BusError."""
        rows = await self._projection.open_rows()
        living = await self._leases.living()
        busy = {row.target for row in rows if row.status == "running"}
        # Nothing of other systems' tasks runs here: those have a watch of their own.
        rows = [row for row in rows if not row.publisher]
        for row in rows:
            if row.status == "running":
                await self._look_at_running(row, living)
            elif row.due_at is None or self._clock() < row.due_at or not await self._is_over(row):
                self._look_at_queued(row, LONGEST_PAUSE_SECONDS if row.target in busy else IDLE_TARGET_PAUSE_SECONDS)
        self._forget_all_but({row.id for row in rows})

    async def _look_at_running(self, row: Row, living: set[str]) -> None:
        """A task whose owner's lease is gone, several looks in a row, is abandoned by its process."""
        is_ours = row.owner == self._leases.lease.owner
        is_owned = row.id in self._worker.running if is_ours else row.owner in living
        if is_owned:
            if is_ours and row.cancelling:
                self._worker.cancel(row.id)
            self._ownerless.pop(row.id, None)
            return
        self._ownerless[row.id] = self._ownerless.get(row.id, 0) + 1
        if self._ownerless[row.id] >= SEEN_OWNERLESS_BEFORE_ABANDONED:
            await self._abandon(row)

    async def _is_over(self, row: Row) -> bool:
        """Does what is due: a queued task may have waited too long, a failed one is tried again."""
        if row.status == "queued":
            return await self._worker.expire(row.id)
        found = await self._journal.task(row.id)
        if found is not None and found.state.retry_at is not None and self._clock() >= found.state.retry_at:
            await self._line.enter(tries.by_itself(found.state, found.sequence, self._clock()), found.sequence)
        return True

    async def _abandon(self, row: Row) -> None:
        found = await self._journal.task(row.id)
        if found is None or found.state.status != "running" or found.state.owner != row.owner:
            return
        kind = self._catalogue.tasks.get(row.task)
        effect = kind.effect if kind else "at_most_once"
        has_probe = self._worker.has_probe(row.task) if effect == "at_most_once" else False
        if has_probe is None and self._ownerless[row.id] < SEEN_OWNERLESS_BEFORE_UNPROBED:
            return
        move = moves.abandoned(found.state, effect, self._clock(), has_probe=bool(has_probe))
        move = tries.or_again(move, kind, self._clock())
        log.warning("task %s was abandoned by %s: now %s", row.id, row.owner, move.state.status)
        try:
            await self._journal.append(move.event, move.state, found.sequence)
        except Conflict:
            return
        if not move.state.is_open:
            await self._line.release(move.state)

    def _look_at_queued(self, row: Row, longest_pause_seconds: float) -> None:
        """A queued task nobody noticed for a while is tried here, if there is room. No other task waits for that."""
        if row.status != "queued":
            return
        waited_seconds = (self._clock() - row.since).total_seconds()
        if waited_seconds < QUEUED_UNNOTICED_SECONDS or not self._worker.has_room or not self._is_due(row.id):
            return
        self._put_off(row.id, min(waited_seconds / 4, longest_pause_seconds))
        trying = asyncio.create_task(self._try(row))
        self._started.add(trying)
        trying.add_done_callback(self._started.discard)

    def _is_due(self, key: str) -> bool:
        return asyncio.get_running_loop().time() >= self._put_off_until.get(key, 0.0)

    def _put_off(self, key: str, seconds: float) -> None:
        self._put_off_until[key] = asyncio.get_running_loop().time() + seconds

    async def _try(self, row: Row) -> None:
        try:
            # One look at a line is enough for all who wait in it.
            if not await self._worker.take_up(row.id) and self._is_due(row.target):
                self._put_off(row.target, LONGEST_PAUSE_SECONDS)
                await self._line.advance(row.target)
        except BusError as error:
            log.warning("task %s is tried again later: %s", row.id, error)

    def _forget_all_but(self, ids: set[str]) -> None:
        self._ownerless = {id: count for id, count in self._ownerless.items() if id in ids}
        self._put_off_until = {key: at for key, at in self._put_off_until.items() if not self._is_due(key)}
