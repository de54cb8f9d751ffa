"""The lease of this process: a record that dies unless it is renewed. Whoever is in it is alive.

One lease covers everything the process runs. Whether the owner of a task is dead is decided by its lease, never by a
redelivered message. The process itself knows first that its lease has lapsed: it counts from before a renewal was
sent, the broker from after it arrived. A lease that lapsed never comes back; the process starts over under a new name,
with nothing of what it ran before.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from opsloop_common.bus import BusError, Conflict
from opsloop_common.records import Bucket

log = logging.getLogger(__name__)

T = TypeVar("T")

RENEWALS_PER_LEASE = 4
RETRY_SECONDS = 0.2
RUNNERS_END_AT = 0.9
"""The part of a lease after whose last renewal its runners are dead, well before anybody else may take their tasks."""
PATIENCE_SECONDS = 30.0
"""How long a broker is asked again that is there and refuses."""


class LeaseRecord(msgspec.Struct, frozen=True):
    since: datetime


class Lapsed(BusError):
    """The lease is over: somebody else may be at work on what this process ran."""


class Runners(Protocol):
    """What must not outlive a lease. The time is one of time.monotonic, which all processes of a machine share."""

    def live_until(self, deadline: float) -> None: ...

    async def kill_all(self) -> None: ...


class Lease:
    """One life of this process under one name. Once it has lapsed it stays so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.owner = f"orchestrator-{secrets.token_hex(6)}"
        self.revision = 0
        self._clock = clock
        self._until: float | None = None
        self._is_over = False

    @property
    def is_held(self) -> bool:
        """Whether nobody else can think that this process is dead."""
        return self._until is not None and not self.has_lapsed

    @property
    def has_lapsed(self) -> bool:
        self._is_over = self._is_over or (self._until is not None and self._clock() >= self._until)
        return self._is_over

    def check(self) -> None:
        """Raises Lapsed unless the lease is held at this moment."""
        if not self.is_held:
            raise Lapsed(f"the lease of {self.owner} has lapsed")

    def renewed(self, revision: int, until: float) -> None:
        """An answer that comes after the lease lapsed does not bring it back."""
        if not self.has_lapsed:
            self.revision, self._until = revision, until

    def end(self) -> None:
        self._is_over = True

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Asks again while the broker is away and the lease is held. Raises Conflict at once, Lapsed, BusError."""
        give_up_at = self._clock() + PATIENCE_SECONDS
        while True:
            self.check()
            try:
                return await call()
            except Conflict:
                raise
            except BusError:
                if self._clock() >= give_up_at:
                    raise
                await asyncio.sleep(RETRY_SECONDS)


class Leases:
    """Keeps this process's lease, and knows whose are alive. `seconds` is how long one lasts without renewal."""

    def __init__(self, bucket: Bucket[LeaseRecord], *, seconds: int, runners: Runners, since: datetime) -> None:
        self._bucket = bucket
        self._seconds = seconds
        self._runners = runners
        self._record = LeaseRecord(since)
        self.lease = Lease()

    async def run(self) -> None:
        """Renews until cancelled."""
        while True:
            is_renewed = await self._keep()
            await asyncio.sleep(self._seconds / RENEWALS_PER_LEASE if is_renewed else RETRY_SECONDS)

    async def living(self) -> set[str]:
        """The owners whose lease is alive. Raises BusError."""
        return {entry.key for entry in await self._bucket.under("*")}

    async def renew(self) -> None:
        """Raises Conflict when the record is not as this process left it; BusError."""
        lease, sent_at = self.lease, time.monotonic()
        revision = await self._bucket.put(
            lease.owner,
            self._record,
            revision=lease.revision,
            ttl_seconds=self._seconds,
            deadline_seconds=self._seconds / RENEWALS_PER_LEASE,
        )
        lease.renewed(revision, sent_at + self._seconds)
        if lease.is_held:
            self._runners.live_until(sent_at + self._seconds * RUNNERS_END_AT)

    async def release(self) -> None:
        """Ends the lease at once, so that nobody waits for its end. What fails ends by itself."""
        lease, self.lease = self.lease, Lease()
        lease.end()
        if not lease.revision:
            return
        try:
            await self._bucket.delete(lease.owner, ttl_seconds=self._seconds)
        except BusError as error:
            log.warning("lease not released: %s", error)

    async def _keep(self) -> bool:
        """One renewal, or a new beginning; returns whether the lease is renewed."""
        if self.lease.has_lapsed:
            await self._start_over()
        try:
            await self.renew()
        except Conflict:
            await self._look_again()
            return False
        except BusError as error:
            log.warning("lease not renewed: %s", error)
            return False
        return self.lease.is_held

    async def _look_again(self) -> None:
        """A renewal may have been stored although its answer was lost. A record that is gone was not ours to keep."""
        try:
            entry = await self._bucket.get(self.lease.owner)
        except BusError as error:
            log.warning("lease not found: %s", error)
            return
        if entry.value is None:
            self.lease.end()
        else:
            self.lease.revision = entry.revision

    async def _start_over(self) -> None:
        """Nothing of the former life is left when the new one begins."""
        former, self.lease = self.lease, Lease()
        log.warning("the lease of %s has lapsed: what it ran is dropped, now as %s", former.owner, self.lease.owner)
        await self._runners.kill_all()
