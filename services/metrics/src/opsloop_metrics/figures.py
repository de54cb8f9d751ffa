"""Numbers about targets: questions in, answers out, with Prometheus behind them."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from opsloop_common import measures
from opsloop_common.catalogue import Metric
from opsloop_common.measures import Measure, MeasureState, MetricQuery, RangeQuery
from opsloop_common.service import BadRequest
from opsloop_metrics import promql
from opsloop_metrics.memory import Memory
from opsloop_metrics.prometheus import Unavailable
from opsloop_metrics.reading import Nothing, Unreadable, course, newest
from opsloop_metrics.series import Series

log = logging.getLogger(__name__)

KEEP_SECONDS = 5.0
KEEP_FAILURE_SECONDS = 1.0
QUIET_SECONDS = 60.0
LONGEST_RANGE_SECONDS = 730 * 24 * 3600
MOST_POINTS = 1_000


class Source(Protocol):
    """Where queries are answered. Both raise Unavailable."""

    async def query(self, promql: str) -> bytes: ...

    async def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> bytes: ...


class Figures:
    """The metrics of the catalogue. Without a source everything is unavailable."""

    def __init__(self, metrics: Mapping[str, Metric], source: Source | None, series: Series) -> None:
        self._metrics = metrics
        self._source = source
        self._series = series
        self._measures: Memory[Measure] = Memory(_keep_seconds)
        self._courses: Memory[measures.Series] = Memory(_keep_seconds)
        self._unavailable = Seldom()
        self._ambiguous = Seldom()

    async def value(self, question: MetricQuery) -> Measure:
        """The newest value. Raises BadRequest; anything else is a state of the answer."""
        metric, query = self._understood(question.metric, question.target)
        key = (question.metric, question.target)
        measure = await self._measures.get(key, lambda: self._measure(metric, query))
        self._series.queried(metric.name, measure.state)
        return measure

    async def course(self, question: RangeQuery) -> measures.Series:
        """The values over a time, up to now. Raises BadRequest; anything else is a state of the answer."""
        metric, query = self._understood(question.metric, question.target)
        if problem := range_problem(question.seconds, question.step_seconds):
            raise self._refusal(metric.name, problem)
        key = (question.metric, question.target, question.seconds, question.step_seconds)
        found = await self._courses.get(key, lambda: self._course(metric, query, question))
        self._series.queried(metric.name, found.state)
        return found

    async def close(self) -> None:
        await self._measures.close()
        await self._courses.close()

    def _understood(self, name: str, target: str) -> tuple[Metric, str]:
        metric = self._metrics.get(name)
        if metric is None:
            raise self._refusal("", f"no metric {name[:64]!r}: known are {', '.join(self._metrics) or 'none'}")
        try:
            return metric, promql.filled(metric.query, target)
        except promql.BadTarget as error:
            raise self._refusal(name, str(error)) from error

    def _refusal(self, metric: str, sentence: str) -> BadRequest:
        self._series.queried(metric, "bad_request")
        return BadRequest(sentence)

    async def _measure(self, metric: Metric, query: str) -> Measure:
        def answer(state: MeasureState) -> Measure:
            return Measure(metric=metric.name, title=metric.title, unit=metric.unit, state=state)

        if self._source is None:
            return answer("unavailable")
        try:
            with self._series.timing(metric.name):
                found = newest(await self._source.query(promql.timed(query)))
        except (Unavailable, Unreadable) as error:
            self._unavailable.warn("%s: Prometheus is unavailable: %s", metric.name, error)
            return answer("unavailable")
        if isinstance(found, Nothing):
            return answer(self._no_data(metric, found))
        return Measure(
            metric=metric.name, title=metric.title, unit=metric.unit, state="value", value=found.value, at=found.at
        )

    async def _course(self, metric: Metric, query: str, question: RangeQuery) -> measures.Series:
        if self._source is None:
            return measures.Series(metric=metric.name, state="unavailable")
        end = time.time()
        try:
            with self._series.timing(metric.name):
                body = await self._source.query_range(query, end - question.seconds, end, question.step_seconds)
                found = course(body)
        except (Unavailable, Unreadable) as error:
            self._unavailable.warn("%s: Prometheus is unavailable: %s", metric.name, error)
            return measures.Series(metric=metric.name, state="unavailable")
        if isinstance(found, Nothing):
            return measures.Series(metric=metric.name, state=self._no_data(metric, found))
        return measures.Series(metric=metric.name, state="value", points=found)

    def _no_data(self, metric: Metric, found: Nothing) -> MeasureState:
        if found.reason:
            self._ambiguous.warn("%s: %s", metric.name, found.reason)
        return "no_data"


def range_problem(seconds: float, step_seconds: float) -> str:
    """What is wrong with the times of a range; empty when nothing is."""
    if not (math.isfinite(seconds) and 0 < seconds <= LONGEST_RANGE_SECONDS):
        return f"seconds must lie between 0 and {LONGEST_RANGE_SECONDS}"
    if not (math.isfinite(step_seconds) and 1 <= step_seconds <= seconds):
        return "step_seconds must lie between 1 and seconds"
    if seconds / step_seconds > MOST_POINTS:
        return f"more than {MOST_POINTS} points: choose a longer step"
    return ""


def _keep_seconds(answer: Measure | measures.Series) -> float:
    return KEEP_FAILURE_SECONDS if answer.state == "unavailable" else KEEP_SECONDS


class Seldom:
    """A warning at most once in a while, which says how many were left out since the last."""

    def __init__(self, quiet_seconds: float = QUIET_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet_seconds = quiet_seconds
        self._clock = clock
        self._next_at = -math.inf
        self._left_out = 0

    def warn(self, text: str, *arguments: object) -> None:
        now = self._clock()
        if now < self._next_at:
            self._left_out += 1
            return
        more = f" ({self._left_out} more since the last of these lines)" if self._left_out else ""
        log.warning(text + more, *arguments)
        self._next_at, self._left_out = now + self._quiet_seconds, 0
