"""Puts the notifier's parts together, over whatever broker and Slack it is given."""

import msgspec

from opsloop_common.bus import Bus
from opsloop_common.bus.consume import Consumer
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.subjects import Subjects
from opsloop_notifier.anchors import Anchors
from opsloop_notifier.budget import Limits
from opsloop_notifier.desk import Desk, Observe
from opsloop_notifier.gate import Gate
from opsloop_notifier.handle import EventHandler
from opsloop_notifier.homes import Homes, Pages
from opsloop_notifier.lanes import Lanes
from opsloop_notifier.ledger import Ledger
from opsloop_notifier.people import People
from opsloop_notifier.posting import Poster
from opsloop_notifier.privately import Links, Privately
from opsloop_notifier.reconcile import Reconciler
from opsloop_notifier.slack import Slack
from opsloop_notifier.style import Style
from opsloop_notifier.tails import Tails
from opsloop_notifier.threads import Threads

CAPACITY = 1000


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast, and how long to wait before each look for a message whose post had no answer."""

    limits: Limits = Limits()
    looks_seconds: tuple[float, ...] = (0.5, 3.0)


class Office:
    """Constructed inside the running loop."""

    def __init__(
        self, *, bus: Bus, subjects: Subjects, slack: Slack, gate: Gate, style: Style, observe: Observe,
        series: ConsumerSeries | None = None, pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:  # fmt: skip
        lanes = Lanes(pace.limits)
        ledger = Ledger(bus, subjects.bucket("LEDGER"))
        tails = Tails(bus, subjects)
        self.links = links = Links(slack, lanes, gate, ledger)
        people = People(slack)
        reconciler = Reconciler(slack, lanes.read, gate, style.secrets, pace.looks_seconds)
        poster = Poster(slack, lanes, ledger, gate, reconciler)
        self.desk = Desk(
            ledger=ledger,
            lanes=lanes,
            anchors=Anchors(slack, lanes, gate, poster, people, style),
            threads=Threads(poster, tails.read, people, style),
            privately=Privately(slack, lanes, gate, ledger, links, people, tails.read, style),
            homes=Homes(slack, lanes, gate, Pages(bus, subjects).newest, style),
            links=links,
            observe=observe,
        )
        self._consumer = Consumer(
            bus,
            service="notifier",
            stream=subjects.stream("EVT"),
            durable="notifier",
            subjects=subjects,
            handler=EventHandler(self.desk, style),
            capacity=CAPACITY,
            series=series,
        )

    async def run(self) -> None:
        """Works until cancelled."""
        try:
            await self._consumer.run()
        finally:
            await self.desk.close()
