"""The line at a target: who is next, and what those who wait are told. What fails here the sweeper repairs."""

import logging
from collections.abc import Callable
from datetime import datetime

from opsloop_common.bus import BusError, Conflict
from opsloop_common.events import TaskState
from opsloop_orchestrator import moves
from opsloop_orchestrator.journal import Journal
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.targets import Entered, Full, Joined, Targets

log = logging.getLogger(__name__)


class Line:
    def __init__(self, targets: Targets, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._targets = targets
        self._journal = journal
        self._clock = clock

    async def release(self, task: TaskState) -> None:
        """Gives the target to the next in line, once the task has ended, and wakes it."""
        try:
            found = await self._journal.task(task.id)
            if found is None or not found.state.is_open:
                await self._targets.leave(task)
                await self.advance(task.target)
        except BusError as error:
            log.warning("the next task of %s waits for the sweeper: %s", task.target, error)

    async def enter(self, move: Move, sequence: int) -> None:
        """Queues a task again that nobody asked for just now; it stays as it is while it finds no place of its own."""
        match await self._targets.enter(move.state):
            case Entered(place, ahead):
                queued = moves.queued_behind(move.state, ahead, place, self._clock())
                try:
                    await self._journal.append(move.event, queued, sequence)
                except Conflict:
                    log.info("task %s moved before it was queued again", move.state.id)
            case Joined() | Full():
                log.info("task %s waits to be queued again: an equal one is there, or too many are", move.state.id)

    async def advance(self, target: str) -> None:
        """Tells every waiting task its place, behind whom; the first is woken. Repeating it changes nothing."""
        ids = await self._targets.members(target)
        first = await self._journal.task(ids[0]) if ids else None
        for place, id in enumerate(ids):
            await self._tell(id, place, first.state if first is not None else None)

    async def _tell(self, id: str, place: int, ahead: TaskState | None) -> None:
        found = await self._journal.task(id)
        if found is None or found.state.status != "queued":
            return
        told = moves.queued_behind(found.state, ahead, place, self._clock())
        if told == found.state:
            return
        # `queued` wakes whoever has room; to those behind, only their card changes.
        event = "queued" if place == 0 else "waiting"
        try:
            await self._journal.append(event, told, found.sequence)
        except Conflict:
            log.info("task %s moved while it was told its place", id)
