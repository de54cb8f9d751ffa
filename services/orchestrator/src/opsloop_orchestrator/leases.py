"""The lease of this process: a record that dies unless it is renewed. Whoever is in it is alive.

One lease covers everything the process runs. Whether the owner of a task is dead is decided by its lease, never by a
redelivered message.
"""

import asyncio
import logging
from datetime import datetime

import msgspec

from opsloop_common.bus import BusError
from opsloop_common.records import Bucket

log = logging.getLogger(__name__)

RENEW_EVERY_SECONDS = 1.0


class Lease(msgspec.Struct, frozen=True):
    since: datetime


class Leases:
    def __init__(self, bucket: Bucket[Lease], owner: str, since: datetime) -> None:
        self._bucket = bucket
        self.owner = owner
        self._lease = Lease(since)

    async def renew(self) -> None:
        """Raises BusError."""
        await self._bucket.put(self.owner, self._lease)

    async def run(self) -> None:
        """Renews until cancelled."""
        while True:
            try:
                await self.renew()
            except BusError as error:
                log.warning("lease not renewed: %s", error)
            await asyncio.sleep(RENEW_EVERY_SECONDS)

    async def living(self) -> set[str]:
        """The owners whose lease is alive. Raises BusError."""
        return {entry.key for entry in await self._bucket.under("*")}
