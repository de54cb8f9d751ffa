"""Which notifiers are alive: each renews one record, which dies unless it is renewed.

A notifier knows first that its membership has lapsed: it counts from before a renewal was sent, the broker from after
it arrived. While it has lapsed nothing is sent to Slack, for somebody else may be doing that.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import msgspec

from opsloop_common.bus import Bus, BusError
from opsloop_common.records import Bucket

log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3
RETRY_SECONDS = 0.2


class Member(msgspec.Struct, frozen=True):
    since: datetime


class Membership:
    """This process's own record, and who else is there. `seconds` is how long one lasts without renewal."""

    def __init__(
        self, bus: Bus, bucket: str, *, seconds: int, since: datetime, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = f"notifier-{secrets.token_hex(6)}"
        self._bus = bus
        self._records = Bucket(bus, bucket, Member)
        self._subject = f"$KV.{bucket}.>"
        self._seconds = seconds
        self._member = Member(since)
        self._clock = clock
        self._until = float("-inf")
        self.term = 0
        """Which time without a gap this is. Whatever was owned in an earlier one may be somebody else's by now."""

    @property
    def is_held(self) -> bool:
        """Whether nobody else can think that this process is dead. May be asked at any time, by anybody."""
        return self._clock() < self._until

    async def run(self) -> None:
        """Renews until cancelled."""
        while True:
            try:
                await self.renew()
            except BusError as error:
                log.warning("membership not renewed: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(self._seconds / RENEWALS_PER_LEASE)

    async def renew(self) -> None:
        """Raises BusError."""
        sent_at = self._clock()
        deadline_seconds = self._seconds / RENEWALS_PER_LEASE
        await self._records.put(self.name, self._member, ttl_seconds=self._seconds, deadline_seconds=deadline_seconds)
        if not self.is_held:
            self.term += 1
        self._until = sent_at + self._seconds

    async def living(self) -> frozenset[str]:
        """The names of all who are alive. Raises BusError."""
        return frozenset(entry.key for entry in await self._records.under("*"))

    async def leave(self) -> None:
        """Tells the others at once; what fails ends by itself."""
        self._until = float("-inf")
        try:
            await self._records.delete(self.name, ttl_seconds=self._seconds)
        except BusError as error:
            log.warning("the others learn later that this notifier is gone: %s", error)

    async def changes(self) -> AsyncIterator[None]:
        """A sign whenever somebody renews, comes or goes; none is guaranteed."""
        async for _ in self._bus.watch(self._subject):
            yield None
