"""The numbers of a target, asked of whoever serves metrics; never waited for longer than said, never needed.

What was not known in time is looked for again later, and a number that came late corrects the message. These later
looks live in this process alone: a restart forgets them, and the message keeps what it says.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from opsloop_common.answers import AnswerState, StatusBody
from opsloop_common.bus import BusError
from opsloop_common.catalogue import Metric
from opsloop_common.measures import Measure, MetricQuery
from opsloop_orchestrator import cards, moves
from opsloop_orchestrator.journal import Journal

log = logging.getLogger(__name__)

AT_ONCE_SECONDS = 0.6
"""What a card or a completion waits for its numbers."""
LATER_SECONDS = 3.0
LOOKS_AFTER_SECONDS = (3.0, 12.0, 45.0)

Ask = Callable[[MetricQuery, float], Awaitable[Measure | None]]
"""Asks for one number within so many seconds; None when nobody answers."""


class Readings:
    def __init__(self, *, ask: Ask, metrics: dict[str, Metric], journal: Journal) -> None:
        self._ask = ask
        self._metrics = metrics
        self._journal = journal
        self._looking: set[asyncio.Task[None]] = set()

    async def of(self, target: str, deadline_seconds: float = AT_ONCE_SECONDS) -> tuple[Measure, ...]:
        """Every metric of the catalogue for a target, in its order."""
        asked = [self._one(metric, target, deadline_seconds) for metric in self._metrics.values()]
        return tuple(await asyncio.gather(*asked))

    def look_again(self, id: str) -> None:
        """Corrects the task or status card under an id when its numbers come late, or have moved."""
        if self._metrics:
            task = asyncio.create_task(self._look_again(id))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def close(self) -> None:
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)

    async def _one(self, metric: Metric, target: str, deadline_seconds: float) -> Measure:
        found = await self._ask(MetricQuery(metric=metric.name, target=target), deadline_seconds)
        return found or Measure(metric=metric.name, title=metric.title, unit=metric.unit, state="unavailable")

    async def _look_again(self, id: str) -> None:
        for pause_seconds in LOOKS_AFTER_SECONDS:
            await asyncio.sleep(pause_seconds)
            try:
                if not await self._correct(id):
                    return
            except BusError as error:
                log.info("numbers of %s are left as they are for now: %s", id, error)

    async def _correct(self, id: str) -> bool:
        """Whether another look may be worth it."""
        found = await self._journal.find(id)
        if found is None:
            return False
        state = found.state
        if isinstance(state, AnswerState):
            return await self._correct_card(state, found.sequence)
        if state.is_open:
            return False
        readings = await self.of(state.target, LATER_SECONDS)
        move = moves.measured(state, readings)
        if move is not None:
            await self._journal.append(move.event, move.state, found.sequence)
        if state.card:
            await self._show_on_card(state.card, readings)
        return True

    async def _correct_card(self, card: AnswerState, sequence: int) -> bool:
        if not isinstance(card.body, StatusBody) or not cards.lacks_numbers(card.body.measures):
            return False
        changed = cards.card_measured(card, await self.of(card.body.target, LATER_SECONDS))
        if changed is not None:
            await self._journal.append("updated", changed, sequence)
        return True

    async def _show_on_card(self, id: str, readings: tuple[Measure, ...]) -> None:
        """The card a task was started from shows what the task did to the numbers."""
        found = await self._journal.find(id)
        if found is None or not isinstance(found.state, AnswerState):
            return
        changed = cards.card_measured(found.state, readings)
        if changed is not None:
            await self._journal.append("updated", changed, found.sequence)
