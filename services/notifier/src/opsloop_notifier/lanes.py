"""Lanes to Slack: whoever wants to send waits for a turn, and the most urgent goes first.

Urgency is asked for when a turn is given, not when it was requested: what waits behind a limit may become final
meanwhile, and then it is the newest content that goes.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable

from opsloop_notifier.budget import Allowance, Limits, Rate
from opsloop_notifier.view import Urgency

AskUrgency = Callable[[], Urgency]


class Lane:
    """One limit of Slack's. `at_once` bounds the calls in flight; 0 is no bound."""

    def __init__(self, rate: Rate, at_once: int = 0) -> None:
        self._loop = asyncio.get_running_loop()
        self._allowance = Allowance(rate, self._loop.time())
        self._at_once = at_once
        self._under_way = 0
        self._numbers = itertools.count()
        self._waiting: dict[int, tuple[AskUrgency, asyncio.Future[None]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def turn(self, urgency: AskUrgency) -> AsyncIterator[None]:
        """Inside it is our turn."""
        number = next(self._numbers)
        granted: asyncio.Future[None] = self._loop.create_future()
        self._waiting[number] = (urgency, granted)
        self.look()
        try:
            await granted
        except asyncio.CancelledError:
            self._waiting.pop(number, None)
            if granted.done() and not granted.cancelled():
                self._leave()
            raise
        try:
            yield
        finally:
            self._leave()

    def pause(self, seconds: float) -> None:
        """Slack said so (429)."""
        self._allowance.pause(self._loop.time(), seconds)
        self.look()

    def share(self, among: int) -> None:
        """So many processes use this limit of Slack's together."""
        self._allowance.share(self._loop.time(), among)
        self.look()

    def look(self) -> None:
        """Gives turns as far as there are any; called when something may have changed, an urgency for instance."""
        while self._waiting and not (self._at_once and self._under_way >= self._at_once):
            number, (urgency, granted) = min(self._waiting.items(), key=lambda item: (item[1][0](), item[0]))
            if granted.done():
                # Whoever waited was cancelled a moment ago and has not left yet.
                del self._waiting[number]
                continue
            now = self._loop.time()
            wait = self._allowance.wait_seconds(now, urgent=urgency() <= Urgency.FAILURE)
            if wait > 0:
                self._look_again(wait)
                return
            del self._waiting[number]
            self._allowance.take(now)
            self._under_way += 1
            granted.set_result(None)

    def _leave(self) -> None:
        self._under_way -= 1
        self.look()

    def _look_again(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self.look)


class Lanes:
    """All lanes of a workspace. Posts are limited per channel too, and go one by one there."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.update = Lane(limits.update)
        self.ephemeral = Lane(limits.ephemeral)
        self.read = Lane(limits.read)
        self.permalink = Lane(limits.permalink)
        self.publish = Lane(limits.publish)
        self._workspace = Lane(limits.post_workspace)
        self._channels: dict[str, Lane] = {}
        self._among = 1

    def share(self, among: int) -> None:
        """Divides what holds for the whole workspace; a channel's own limit stays with its owner."""
        if among != self._among:
            self._among = among
            for lane in (self.update, self.ephemeral, self.read, self.permalink, self.publish, self._workspace):
                lane.share(among)

    @contextlib.asynccontextmanager
    async def post(self, channel: str, urgency: AskUrgency) -> AsyncIterator[None]:
        """A turn to post in this channel."""
        async with self.channel(channel).turn(urgency), self._workspace.turn(urgency):
            yield

    def channel(self, channel: str) -> Lane:
        lane = self._channels.get(channel)
        if lane is None:
            lane = self._channels[channel] = Lane(self.limits.post, at_once=1)
        return lane
