"""Puts the notifier's parts together, over whatever broker and Slack it is given."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from opsloop_common import runtime
from opsloop_common.bus import Bus, BusError
from opsloop_common.bus.consume import Consumer
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.outbox import Outbox
from opsloop_common.records import Bucket
from opsloop_common.subjects import Subjects, notifier_of
from opsloop_notifier.anchors import Anchors
from opsloop_notifier.budget import Limits
from opsloop_notifier.checks import Check, Checks
from opsloop_notifier.desk import Desk, Observe
from opsloop_notifier.doubts import Doubts
from opsloop_notifier.gate import Gate
from opsloop_notifier.handle import EventHandler
from opsloop_notifier.homes import Homes
from opsloop_notifier.lanes import Lanes
from opsloop_notifier.ledger import Ledger
from opsloop_notifier.membership import Membership
from opsloop_notifier.newest import Newest
from opsloop_notifier.people import People
from opsloop_notifier.posting import Poster
from opsloop_notifier.privately import Links, Privately
from opsloop_notifier.publishers import Publishers
from opsloop_notifier.recheck import Recheck
from opsloop_notifier.reconcile import Reconciler
from opsloop_notifier.slack import Slack
from opsloop_notifier.style import Style
from opsloop_notifier.tails import Tails
from opsloop_notifier.territory import Territory
from opsloop_notifier.threads import Threads

CAPACITY = 1000
"""Of one partition."""
BEHIND_EVERY_SECONDS = 5.0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast, how long to wait before each look for a message whose post had no answer, how long a notifier lives
    without renewing its membership; when an end is looked at again, and when whatever is doubtful is."""

    limits: Limits = Limits()
    looks_seconds: tuple[float, ...] = (0.5, 3.0)
    lease_seconds: int = 3
    settle_seconds: float = 5.0
    sweeps_seconds: tuple[float, ...] = (60.0, 600.0)


def _now() -> datetime:
    return datetime.now(UTC)


class Office:
    """Constructed inside the running loop. `behind` is told how many events nobody has read yet in what is ours."""

    def __init__(
        self, *, bus: Bus, subjects: Subjects, slack: Slack, gate: Gate, style: Style, observe: Observe,
        series: ConsumerSeries | None = None, pace: Pace = Pace(),  # noqa: B008 - frozen
        behind: Callable[[int], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._bus = bus
        self._subjects = subjects
        self._series = series
        self._behind = behind
        self._events = subjects.stream("EVT")
        self.desk: Desk
        lanes = Lanes(pace.limits)
        self.membership = Membership(
            bus, subjects.bucket("NOTIFIERS"), seconds=pace.lease_seconds, since=datetime.now(UTC)
        )
        self.territory = Territory(
            bus=bus, ledger=subjects.bucket("LEDGER"), membership=self.membership, work=self._work,
            let_go=lambda partitions: self.desk.let_go(partitions), share=lanes.share,
        )  # fmt: skip
        ledger = Ledger(bus, subjects.bucket("LEDGER"), self.territory)
        tails = Tails(bus, subjects)
        self.links = links = Links(slack, lanes, gate, ledger)
        people = People(slack)
        reconciler = Reconciler(slack, lanes.read, gate, style.secrets, pace.looks_seconds)
        recheck = Recheck(slack, ledger, reconciler, lambda id, *, is_gone: self.desk.show_again(id, is_gone=is_gone))
        self._checks = Checks(
            Bucket(bus, subjects.bucket("CHECKS"), Check), recheck.look, settle_seconds=pace.settle_seconds, clock=_now
        )
        doubts = Doubts(
            self._checks, settle_seconds=pace.settle_seconds, sweeps_seconds=pace.sweeps_seconds, clock=_now
        )
        self.territory.on_taken.append(self._checks.adopt)
        self.territory.on_lost.append(self._checks.drop)
        poster = Poster(slack, lanes, ledger, gate, reconciler, doubts)
        self.desk = Desk(
            ledger=ledger,
            lanes=lanes,
            anchors=Anchors(slack, lanes, gate, poster, people, style, doubts),
            threads=Threads(poster, tails.read, people, style),
            privately=Privately(slack, lanes, gate, ledger, links, people, tails.read, style),
            publishers=Publishers(Outbox(bus, subjects), links, ledger),
            homes=Homes(slack, lanes, gate, Newest(bus, subjects).of, style),
            links=links,
            observe=observe,
            newest=Newest(bus, subjects).of,
            write=poster.write,
        )
        self._handler = EventHandler(self.desk, style)

    def may_send(self) -> bool:
        """Whether anything may be shown in Slack now. May be asked at any time."""
        return self.territory.is_ours

    async def run(self) -> None:
        """Works until cancelled; then gives up what it owns, so that others take over at once."""
        await self._join()
        renewing = asyncio.create_task(self.membership.run())
        try:
            await runtime.together(self.territory.run(), self._checks.run(), self._watch_behind())
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await self.membership.leave()

    async def _join(self) -> None:
        while True:
            try:
                return await self.membership.renew()
            except BusError:
                await asyncio.sleep(0.2)

    async def _work(self, partition: int) -> None:
        """Shows what happens in a partition, until cancelled."""
        await self._catch_up(partition)
        await Consumer(
            self._bus,
            service="notifier",
            stream=self._events,
            durable=notifier_of(partition),
            subjects=self._subjects,
            handler=self._handler,
            capacity=CAPACITY,
            series=self._series,
        ).run()

    async def _catch_up(self, partition: int) -> None:
        """Takes in what a former owner may have held: the broker delivers it again only after a while."""
        while True:
            try:
                at = await self._bus.progress(self._events, notifier_of(partition))
                for pattern in self._subjects.events_in(partition) if at.delivered > at.acknowledged else ():
                    for stored in await self._bus.read(self._events, pattern, first=at.acknowledged + 1):
                        if stored.sequence <= at.delivered:
                            self._handler.take_in(stored.sequence, stored.data)
            except BusError:
                await asyncio.sleep(0.2)
            else:
                return

    async def _watch_behind(self) -> None:
        while True:
            with contextlib.suppress(BusError):
                owned = self.territory.owned
                found = [await self._bus.progress(self._events, notifier_of(partition)) for partition in owned]
                self._behind(sum(one.waiting for one in found))
            await asyncio.sleep(BEHIND_EVERY_SECONDS)
