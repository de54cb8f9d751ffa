"""What has just changed, told to whoever watches at this moment. Nothing is kept: who comes later reads the state."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from opsloop_sandbox.contract import Call
from opsloop_sandbox.page_contract import BusState, Passing
from opsloop_sandbox.records import Channel, Message

MOST_UNREAD = 2000


class MessageChanged(msgspec.Struct, frozen=True):
    """A message that was stored or, if `is_gone`, taken away."""

    message: Message
    is_gone: bool = False


class ChannelChanged(msgspec.Struct, frozen=True):
    channel: Channel


class ViewChanged(msgspec.Struct, frozen=True):
    """Something about a person's modal or home."""

    user: str


class CallAdded(msgspec.Struct, frozen=True):
    call: Call


class SiteChanged(msgspec.Struct, frozen=True):
    dealer: str


class BusPassed(msgspec.Struct, frozen=True):
    passing: Passing


class BusTurned(msgspec.Struct, frozen=True):
    state: BusState


Change: TypeAlias = MessageChanged | ChannelChanged | ViewChanged | CallAdded | SiteChanged | BusPassed | BusTurned


class Watcher:
    """Reads changes in order."""

    def __init__(self) -> None:
        self._unread: asyncio.Queue[Change | None] = asyncio.Queue(MOST_UNREAD)
        self.is_lost = False

    def tell(self, change: Change) -> None:
        if self.is_lost:
            return
        try:
            self._unread.put_nowait(change)
        except asyncio.QueueFull:
            self.is_lost = True

    async def next(self, wait_seconds: float) -> Change | None:
        """The next change; None if there was none for so long."""
        try:
            return await asyncio.wait_for(self._unread.get(), wait_seconds)
        except TimeoutError:
            return None


class Changes:
    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def tell(self, change: Change) -> None:
        """Never waits: a watcher that does not keep up is lost, and has to start over."""
        for watcher in self._watchers:
            watcher.tell(change)

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watcher]:
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
