"""The numbers of a target, asked of whoever serves metrics; never waited for longer than said, never needed.

What was not known in time is looked for again later, and a number that came late corrects the message. These later
looks live in this process alone: a restart forgets them, and the message keeps what it says.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from opsloop_common.answers import AnswerState, StatusBody
from opsloop_common.bus import BusError
from opsloop_common.catalogue import Metric
from opsloop_common.measures import TREND_VALUES_AT_MOST, Measure, MetricQuery, RangeQuery, Series, Trend
from opsloop_orchestrator import cards, moves
from opsloop_orchestrator.journal import Journal

log = logging.getLogger(__name__)

AT_ONCE_SECONDS = 0.6
"""What a card or a completion waits for its numbers."""
LATER_SECONDS = 3.0
COURSE_SECONDS = 3.0
TREND_SECONDS = 30 * 24 * 3600.0
TREND_STEP_SECONDS = TREND_SECONDS / TREND_VALUES_AT_MOST
LOOKS_AFTER_SECONDS = (3.0, 12.0, 45.0)

Ask = Callable[[MetricQuery, float], Awaitable[Measure | None]]
"""Asks for one number within so many seconds; None when nobody answers."""


AskCourse = Callable[[RangeQuery, float], Awaitable[Series | None]]


class Readings:
    def __init__(self, *, ask: Ask, ask_course: AskCourse, metrics: dict[str, Metric], journal: Journal) -> None:
        self._ask = ask
        self._ask_course = ask_course
        self._metrics = metrics
        self._journal = journal
        self._looking: set[asyncio.Task[None]] = set()

    async def of(self, target: str, deadline_seconds: float = AT_ONCE_SECONDS) -> tuple[Measure, ...]:
        """Every metric of the catalogue for a target, in its order."""
        asked = [self.one(metric, target, deadline_seconds) for metric in self._metrics]
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

    async def one(self, metric: str, target: str, deadline_seconds: float = AT_ONCE_SECONDS) -> Measure:
        """One number; `no_data` for a metric that the catalogue does not have."""
        known = self._metrics.get(metric)
        if known is None:
            return Measure(metric=metric, title=metric, unit="number", state="no_data")
        found = await self._ask(MetricQuery(metric=metric, target=target), deadline_seconds)
        return found or Measure(metric=metric, title=known.title, unit=known.unit, state="unavailable")

    async def course(
        self, metric: str, target: str, seconds: float, step_seconds: float, deadline_seconds: float
    ) -> Series:
        """The course of a metric over the last `seconds`."""
        if metric not in self._metrics:
            return Series(metric=metric, state="no_data")
        question = RangeQuery(metric=metric, target=target, seconds=seconds, step_seconds=step_seconds)
        return await self._ask_course(question, deadline_seconds) or Series(metric=metric, state="unavailable")

    async def trend(self, metric: str, target: str) -> Trend | None:
        """The last thirty days of a metric, small enough to be drawn; None where there is nothing to draw."""
        course = await self.course(metric, target, TREND_SECONDS, TREND_STEP_SECONDS, COURSE_SECONDS)
        points = [point for point in course.points if math.isfinite(point.value)][-TREND_VALUES_AT_MOST:]
        if len(points) < 2:
            return None
        known = self._metrics[metric]
        return Trend(
            title=known.title,
            unit=known.unit,
            values=tuple(point.value for point in points),
            begins_at=points[0].at,
            ends_at=points[-1].at,
        )

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
