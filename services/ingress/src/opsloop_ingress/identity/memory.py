"""Identities remembered for a moment, and each person asked for only once at a time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from opsloop_common.people import Identity, Person

VERIFIED_SECONDS = 60.0
REFUSED_SECONDS = 10.0
MOST_PEOPLE = 10_000

KEPT_SECONDS = {"verified": VERIFIED_SECONDS, "refused": REFUSED_SECONDS, "unknown": 0.0}


class Kept(msgspec.Struct, frozen=True):
    identity: Identity
    until: float


class Memory:
    """An age counts from the moment the sources were asked, not from their answer."""

    def __init__(
        self,
        ask: Callable[[Person], Awaitable[Identity]],
        *,
        clock: Callable[[], float] = time.monotonic,
        most_people: int = MOST_PEOPLE,
    ) -> None:
        self._ask_sources = ask
        self._clock = clock
        self._most_people = most_people
        self._kept: OrderedDict[Person, Kept] = OrderedDict()
        self._asking: dict[Person, asyncio.Task[Identity]] = {}

    def remembered(self, person: Person) -> Identity | None:
        kept = self._kept.get(person)
        return kept.identity if kept and self._clock() < kept.until else None

    async def ask(self, person: Person) -> Identity:
        """From the sources; whoever asks while they are being asked about this person waits for the same answer."""
        asking = self._asking.get(person)
        if asking is None:
            asking = asyncio.create_task(self._ask(person))
            self._asking[person] = asking
            asking.add_done_callback(lambda _: self._asking.pop(person, None))
        # One of those who wait may give up without taking the answer from the others.
        return await asyncio.shield(asking)

    async def close(self) -> None:
        """Gives up what is being asked."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, person: Person) -> Identity:
        began = self._clock()
        identity = await self._ask_sources(person)
        if seconds := KEPT_SECONDS[identity.state]:
            self._kept[person] = Kept(identity, began + seconds)
            self._kept.move_to_end(person)
            if len(self._kept) > self._most_people:
                self._kept.popitem(last=False)
        return identity
