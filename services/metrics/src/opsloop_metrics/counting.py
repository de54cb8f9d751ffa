"""Counts into the tally's record, side by side with other replicas, and shows what it says.

Each replica reads on where the record stands and writes it back by compare-and-swap; whoever loses has nothing to undo
and reads again. No acknowledgement is involved, so a stream that delivers anew changes nothing.
"""

import asyncio
import logging
from collections.abc import Iterator

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from opsloop_common.bus import Bus, BusError, Conflict
from opsloop_common.records import Bucket, Entry
from opsloop_common.subjects import Subjects
from opsloop_metrics.tally import Tally, with_commands, with_events

log = logging.getLogger(__name__)

KEY = "all"
EVERY_SECONDS = 0.5
AT_ONCE = 2_000


class TallySeries(Collector):
    """`slack_actions_total` and every figure, from the newest tally this process knows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tally = Tally()
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        tally = self.tally
        actions = CounterMetricFamily(
            "slack_actions", "Clicks and commands; the same on every replica", labels=["type", "outcome"]
        )
        for action, count in sorted(tally.actions.items()):
            actions.add_metric(action.split(" "), count)
        yield actions
        for name, values in sorted(tally.figures.items()):
            figure = GaugeMetricFamily(name, "A figure of the newest result for a target", labels=["dealer"])
            for target, value in sorted(values.items()):
                figure.add_metric([target], value)
            yield figure


class Counting:
    def __init__(self, bus: Bus, subjects: Subjects, series: TallySeries) -> None:
        self._bus = bus
        self._subjects = subjects
        self._records = Bucket(bus, subjects.bucket("TALLY"), Tally)
        self._series = series

    async def run(self, every_seconds: float = EVERY_SECONDS) -> None:
        """Counts until cancelled."""
        while True:
            try:
                while await self.count():
                    pass
            except BusError as error:
                log.warning("counting goes on later: %s", error)
            await asyncio.sleep(every_seconds)

    async def count(self) -> bool:
        """Counts what is new, at most so many messages; whether there may be more. Raises BusError."""
        entry = await self._records.get(KEY)
        before = entry.value or Tally()
        after = await self._counted(before)
        if after != before and not await self._keep(entry, after):
            return True
        self._series.tally = after
        return after.events - before.events >= AT_ONCE or after.commands - before.commands >= AT_ONCE

    async def _counted(self, tally: Tally) -> Tally:
        s = self._subjects
        tally = await self._rewound(tally)
        events = await self._bus.read(s.stream("EVT"), s.all_events, at_most=AT_ONCE, first=tally.events + 1)
        commands = await self._bus.read(s.stream("CMD"), s.all_commands, at_most=AT_ONCE, first=tally.commands + 1)
        return with_commands(with_events(tally, events), commands)

    async def _rewound(self, tally: Tally) -> Tally:
        """A stream that was made anew counts from one again: what is in it was not counted yet."""
        s = self._subjects
        if await self._is_anew(s.stream("EVT"), s.all_events, tally.events):
            tally = msgspec.structs.replace(tally, events=0)
        if await self._is_anew(s.stream("CMD"), s.all_commands, tally.commands):
            tally = msgspec.structs.replace(tally, commands=0)
        return tally

    async def _is_anew(self, stream: str, subject: str, counted: int) -> bool:
        newest = await self._bus.last(stream, subject)
        if newest is None or newest.sequence >= counted:
            return False
        log.warning("%s starts anew: its newest is %d, and %d were counted", stream, newest.sequence, counted)
        return True

    async def _keep(self, entry: Entry[Tally], tally: Tally) -> bool:
        try:
            await self._records.put(KEY, tally, revision=entry.revision)
        except Conflict:
            return False
        return True
