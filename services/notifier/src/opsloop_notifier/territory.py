"""What this notifier owns: partitions of the conversations, taken and given up one by one.

A partition is owned by whoever wrote its epoch record last, and every write to the ledger expects that very record: a
former owner is refused by the broker itself. A living owner gives a partition up before another takes it; that of a
dead one is taken as it is.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any

import msgspec

from opsloop_common.bus import Bus, BusError, Conflict, Expect
from opsloop_common.records import Bucket
from opsloop_common.subjects import partition_of
from opsloop_notifier.ledger import Moved
from opsloop_notifier.membership import Membership
from opsloop_notifier.rendezvous import owned_by

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.5

Work = Callable[[int], Coroutine[Any, Any, None]]
"""Shows what happens in a partition, until cancelled."""
LetGo = Callable[[Collection[int]], Awaitable[None]]
"""Ends all work on partitions; whatever is owed there stays owed."""


class Epoch(msgspec.Struct, frozen=True):
    """Who owns a partition; nobody after it was given up."""

    owner: str = ""


class Holding(msgspec.Struct, frozen=True):
    """A partition that is ours: the sequence of its epoch record, and the work on it."""

    epoch: int
    work: asyncio.Task[None]


class Territory:
    """`share` is told among how many the limits of a workspace are divided."""

    def __init__(
        self, *, bus: Bus, ledger: str, membership: Membership, work: Work, let_go: LetGo, share: Callable[[int], None]
    ) -> None:
        self._epochs = Bucket(bus, ledger, Epoch)
        self._subject = f"$KV.{ledger}."
        self._membership = membership
        self._work = work
        self._let_go = let_go
        self._share = share
        self._owned: dict[int, Holding] = {}
        self._lost: dict[int, Holding] = {}
        """What somebody else took, and whose work here has not ended yet."""
        self._term = 0
        """The time of membership in which everything owned was taken."""
        self._changed = asyncio.Event()
        self.on_taken: list[Callable[[int], Awaitable[None]]] = []
        """Called with each partition as it becomes ours, before anything happens there."""
        self.on_lost: list[Callable[[int], Awaitable[None]]] = []
        self.taken = 0
        """How often a partition was taken from somebody who had not given it up."""

    @property
    def owned(self) -> frozenset[int]:
        """May be asked from another thread."""
        return frozenset(self._owned)

    @property
    def is_ours(self) -> bool:
        """Whether what is owned is beyond doubt: nobody can have thought us dead since the first of it was taken."""
        return self._membership.is_held and self._membership.term == self._term

    def fence(self, id: str) -> Expect:
        """What a write about this id expects. Raises Moved when its partition is not ours."""
        partition = partition_of(id)
        holding = self._owned.get(partition)
        if holding is None:
            raise Moved(f"partition {partition} is somebody else's")
        return Expect(holding.epoch, self._subject + _key(partition))

    def refused(self, id: str) -> None:
        """The broker refused a write about this id: its partition has a new owner, or none."""
        partition = partition_of(id)
        if holding := self._owned.pop(partition, None):
            log.warning("partition %d was taken over by somebody else", partition)
            holding.work.cancel()
            self._lost[partition] = holding
            self._changed.set()

    async def run(self) -> None:
        """Keeps what is ours until cancelled; then gives everything up."""
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                self._changed.clear()
                await self._settle()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), LOOK_EVERY_SECONDS)
        finally:
            listening.cancel()
            await self._release(self.owned)
            await self._forget_lost()

    async def _listen(self) -> None:
        known: frozenset[str] = frozenset()
        async for _ in self._membership.changes():
            with contextlib.suppress(BusError):
                living = await self._membership.living()
                if living != known:
                    known = living
                    self._changed.set()

    async def _settle(self) -> None:
        """Gives up what has become somebody else's, takes what has become ours."""
        for holding in self._owned.values():
            if holding.work.done() and not holding.work.cancelled():
                # Work ends by being cancelled; anything else is a bug that must be seen.
                holding.work.result()
        await self._forget_lost()
        if not self.is_ours:
            await self._drop()
            if not self._membership.is_held:
                return
            self._term = self._membership.term
        try:
            living = await self._membership.living()
            if self._membership.name not in living:
                return
            self._share(len(living))
            wanted = owned_by(self._membership.name, living)
            await self._release(self.owned - wanted)
            await asyncio.gather(*(self._take(partition, living) for partition in wanted - self.owned))
        except BusError as error:
            log.warning("partitions stay as they are for now: %s", error)

    async def _take(self, partition: int, living: Collection[str]) -> None:
        entry = await self._epochs.get(_key(partition))
        before = entry.value.owner if entry.value else ""
        if before in living and before != self._membership.name:
            # Whoever lives gives it up first.
            return
        try:
            epoch = await self._epochs.put(_key(partition), Epoch(self._membership.name), revision=entry.revision)
        except Conflict:
            return
        self.taken += bool(before)
        log.info(
            "partition %d is owned by %s from now on, after %s", partition, self._membership.name, before or "nobody"
        )
        for tell in self.on_taken:
            await tell(partition)
        self._owned[partition] = Holding(epoch, asyncio.create_task(self._work(partition)))

    async def _release(self, partitions: Collection[int]) -> None:
        """In this order: no new events, no more work, the others may have it."""
        if not partitions:
            return
        held = {partition: self._owned[partition] for partition in partitions}
        await self._stop(held)
        for partition, holding in held.items():
            self._owned.pop(partition, None)
            with contextlib.suppress(BusError):
                await self._epochs.put(_key(partition), Epoch(), revision=holding.epoch)

    async def _drop(self) -> None:
        """We may be thought dead: everything is left as it is, at once."""
        if self._owned:
            log.warning("membership has lapsed: nothing is sent until it is renewed and partitions are taken anew")
            held, self._owned = self._owned, {}
            await self._stop(held)

    async def _forget_lost(self) -> None:
        """What is owned again later starts from the ledger: no case that is known from before may live on."""
        if self._lost:
            held, self._lost = self._lost, {}
            await self._stop(held)

    async def _stop(self, held: dict[int, Holding]) -> None:
        for holding in held.values():
            holding.work.cancel()
        await asyncio.gather(*(holding.work for holding in held.values()), return_exceptions=True)
        await self._let_go(held)
        for partition in held:
            for tell in self.on_lost:
                await tell(partition)


def _key(partition: int) -> str:
    return f"epoch.{partition:02}"
