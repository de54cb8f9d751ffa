"""After a post whose outcome nobody knows: is the message there? Read back, adopt it or post again.

A message just posted may be missing from history for a moment, so its absence is believed only after a second look.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from opsloop_notifier.gate import Gate
from opsloop_notifier.lanes import Lane
from opsloop_notifier.message import is_ours
from opsloop_notifier.outcome import Ambiguous, Dead, Gone, Limited, Locked, Malformed, NotSent, Unsent
from opsloop_notifier.slack import Page, Seen, Slack
from opsloop_notifier.view import Urgency

log = logging.getLogger(__name__)

SKEW_SECONDS = 60.0
AGAIN_SECONDS = 1.0
MOST_PAGES = 20


class Place(msgspec.Struct, frozen=True):
    """Where to look for which message; `thread_ts` is empty for a top-level one, `since` is when it was intended.

    `replaced` is the timestamp of an earlier one that does not count.
    """

    channel: str
    thread_ts: str
    key: str
    since: datetime
    replaced: str = ""


class Found(msgspec.Struct, frozen=True):
    """`version` tells which of several tries it is."""

    ts: str
    version: str = ""


class Absent(msgspec.Struct, frozen=True):
    pass


class Unreadable(msgspec.Struct, frozen=True):
    """We may not read there, so nobody can say."""

    error: str


Finding = Found | Absent | Unreadable


class Reconciler:
    """`looks_seconds`: how long to wait before each look."""

    def __init__(
        self,
        slack: Slack,
        lane: Lane,
        gate: Gate,
        secrets: tuple[str, ...],
        looks_seconds: tuple[float, ...] = (0.5, 3.0),
    ) -> None:
        self._slack = slack
        self._lane = lane
        self._gate = gate
        self._secrets = secrets
        self._looks_seconds = looks_seconds

    async def find(self, place: Place) -> Finding:
        """Whether the message is there. Takes as long as Slack needs to answer."""
        for wait_seconds in self._looks_seconds:
            await asyncio.sleep(wait_seconds)
            finding = await self._look(place)
            if not isinstance(finding, Absent):
                return finding
        return Absent()

    async def all_of(
        self, channel: str, thread_ts: str, since: datetime, keys: frozenset[str]
    ) -> dict[str, list[Seen]] | None:
        """Our messages with these keys, oldest first, by key; None where we may not read."""
        found: dict[str, list[Seen]] = {key: [] for key in keys}
        async for page in self._pages(channel, thread_ts, since, Urgency.PROGRESS):
            if isinstance(page, Unreadable):
                return None
            for seen in page.messages:
                if self._is_ours(seen) and seen.marker is not None and seen.marker.key in keys:
                    found[seen.marker.key].append(seen)
        return {key: sorted(messages, key=lambda seen: seen.ts) for key, messages in found.items()}

    async def _look(self, place: Place) -> Finding:
        found: list[Seen] = []
        async for page in self._pages(place.channel, place.thread_ts, place.since, Urgency.FIRST_POST):
            if isinstance(page, Unreadable):
                return page
            found += [seen for seen in page.messages if self._is_it(seen, place)]
        oldest = min(found, key=lambda seen: seen.ts, default=None)
        return Found(oldest.ts, oldest.version) if oldest else Absent()

    async def _pages(
        self, channel: str, thread_ts: str, since: datetime, urgency: Urgency
    ) -> AsyncIterator[Page | Unreadable]:
        cursor = ""
        for _ in range(MOST_PAGES):
            page = await self._page(channel, thread_ts, since.timestamp() - SKEW_SECONDS, cursor, urgency)
            yield page
            cursor = page.cursor if isinstance(page, Page) else ""
            if not cursor:
                return

    async def _page(
        self, channel: str, thread_ts: str, since: float, cursor: str, urgency: Urgency
    ) -> Page | Unreadable:
        while True:
            await self._gate.passed()
            async with self._lane.turn(lambda: urgency):
                answer = await self._slack.read(channel, thread_ts, since, cursor)
            if isinstance(answer, Page):
                return answer
            if (error := self._refused(answer)) is not None:
                log.error("cannot read back in %s: %s", channel, error)
                return Unreadable(error)
            await asyncio.sleep(AGAIN_SECONDS)

    def _refused(self, answer: NotSent) -> str | None:
        """The error, if asking again does not help."""
        match answer:
            case Limited(seconds):
                self._lane.pause(seconds)
            case Locked(error):
                self._gate.shut(error)
            case Unsent() | Ambiguous():
                pass
            case Gone(error) | Dead(error) | Malformed(error, _):
                return error
        return None

    def _is_it(self, seen: Seen, place: Place) -> bool:
        is_meant = seen.marker is not None and seen.marker.key == place.key
        return is_meant and seen.ts != place.replaced and self._is_ours(seen)

    def _is_ours(self, seen: Seen) -> bool:
        # Anybody can copy our marker into a message of their own: it has to be our bot's.
        is_bots = seen.bot_id == self._gate.identity.bot_id
        return is_bots and seen.marker is not None and is_ours(self._secrets, seen.marker)
