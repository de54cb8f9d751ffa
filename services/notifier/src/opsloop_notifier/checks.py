"""Looks that are still to come: durable notes that a message has to be looked at again, and when.

A final view is looked at once it has settled. A post whose answer was lost is looked for again much later, for Slack
may have stored it long after it said, or failed to say, anything. Notes belong to the shard of their task, so that
whoever owns it has them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from opsloop_common.bus import BusError
from opsloop_common.records import Bucket
from opsloop_common.subjects import partition_of, shards_of

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5

Name: TypeAlias = tuple[str, str]
"""A message: the id of its task or answer, and its slot."""
Place: TypeAlias = tuple[str, str]
"""A channel, and the timestamp of a thread in it or ""."""


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where to look and when, soonest first. `since` is when the message was intended.

    `missed`: the last look did not find it; one look is not enough to believe that it is gone.
    """

    channel: str
    since: datetime
    due: tuple[datetime, ...]
    thread_ts: str = ""
    missed: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What a look came to: this one is done with, or it has to be repeated soon."""

    is_done: bool
    missed: bool = False


Look = Callable[[Place, Mapping[Name, Check]], Awaitable[Mapping[Name, Verdict]]]
"""One look at a place, for everything that is due there. A name without a verdict is looked at again soon."""


class Checks:
    """`settle_seconds` is how long a look waits for what it could not decide."""

    def __init__(
        self, bucket: Bucket[Check], look: Look, *, settle_seconds: float, clock: Callable[[], datetime]
    ) -> None:
        self._bucket = bucket
        self._look = look
        self._settle = timedelta(seconds=settle_seconds)
        self._clock = clock
        self._known: dict[Name, Check] = {}

    async def schedule(self, name: Name, check: Check) -> None:
        """Notes looks, beside those that are noted already. Returns once the broker has the note."""
        known = self._known.get(name)
        if known is not None:
            due = tuple(sorted({*known.due, *check.due}))
            check = msgspec.structs.replace(check, due=due, since=min(known.since, check.since))
        await self._keep(name, check)

    async def adopt(self, partition: int) -> None:
        """Takes over what is noted for a partition. Raises BusError."""
        for shard in shards_of(partition):
            for entry in await self._bucket.under(f"{shard}.>"):
                if entry.value is not None:
                    _, id, slot = entry.key.split(".", 2)
                    self._known[id, slot] = entry.value

    async def drop(self, partition: int) -> None:
        """Forgets what is noted for a partition; the broker keeps it."""
        self._known = {name: check for name, check in self._known.items() if partition_of(name[0]) != partition}

    async def run(self) -> None:
        """Looks at what is due until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await asyncio.gather(*(self._look_at(place, names) for place, names in self._due().items()))
            except BusError as error:
                log.warning("looks are put off: %s", error)

    def _due(self) -> dict[Place, dict[Name, Check]]:
        """What is due, by place: one read serves all of a place."""
        now, found = self._clock(), dict[Place, dict[Name, Check]]()
        for name, check in self._known.items():
            if check.due[0] <= now:
                found.setdefault((check.channel, check.thread_ts), {})[name] = check
        return found

    async def _look_at(self, place: Place, checks: dict[Name, Check]) -> None:
        verdicts = await self._look(place, checks)
        for name, check in checks.items():
            # Noted anew or given up meanwhile: this look was about something else.
            if self._known.get(name) is check:
                await self._conclude(name, check, verdicts.get(name, Verdict(is_done=False, missed=check.missed)))

    async def _conclude(self, name: Name, check: Check, verdict: Verdict) -> None:
        now = self._clock()
        later = tuple(at for at in check.due if at > now)
        if not verdict.is_done:
            later = tuple(sorted({now + self._settle, *later}))
        if later:
            await self._keep(name, msgspec.structs.replace(check, due=later, missed=verdict.missed))
        else:
            del self._known[name]
            await self._bucket.delete(_key(name), ttl_seconds=1)

    async def _keep(self, name: Name, check: Check) -> None:
        await self._bucket.put(_key(name), check)
        self._known[name] = check


def _key(name: Name) -> str:
    id, slot = name
    return f"{id[:2]}.{id}.{slot}"
