"""The watch over tasks of other systems: those that gave no sign of life for too long say so, and end as unknown.

When to look is in each task's state, so a restart forgets nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from opsloop_common.bus import BusError, Conflict
from opsloop_orchestrator.external import silence
from opsloop_orchestrator.journal import Journal
from opsloop_orchestrator.projection import Projection

log = logging.getLogger(__name__)


class Watch:
    def __init__(
        self, projection: Projection, journal: Journal, clock: Callable[[], datetime], every_seconds: float = 1.0
    ) -> None:
        self._projection = projection
        self._journal = journal
        self._clock = clock
        self._every_seconds = every_seconds
        self._next_look: dict[str, datetime] = {}

    async def run(self) -> None:
        """Watches until cancelled."""
        while True:
            await asyncio.sleep(self._every_seconds)
            try:
                await self.look()
            except BusError as error:
                log.warning("tasks of other systems are looked at later: %s", error)

    async def look(self) -> None:
        """One look at every task that is due. Raises BusError."""
        ids = [row.id for row in await self._projection.open_rows() if row.publisher]
        self._next_look = {id: at for id, at in self._next_look.items() if id in ids}
        now = self._clock()
        for id in ids:
            if self._next_look.get(id, now) <= now:
                await self._look_at(id)

    async def _look_at(self, id: str) -> None:
        found = await self._journal.task(id)
        if found is None:
            return
        state = found.state
        if move := silence.after(state, self._clock()):
            log.info("task %s of %s gives no sign of life: %s", id, state.task, move.event)
            try:
                await self._journal.append(move.event, move.state, found.sequence)
            except Conflict:
                return
            state = move.state
        if due_at := silence.due_at(state):
            self._next_look[id] = due_at
