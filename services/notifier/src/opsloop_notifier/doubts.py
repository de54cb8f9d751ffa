"""When a message is looked at again: after its end has settled, and long after a call about it was never answered."""

from collections.abc import Callable
from datetime import datetime, timedelta

from opsloop_notifier.checks import Check, Checks
from opsloop_notifier.ledger import Record
from opsloop_notifier.view import ANCHOR


class Doubts:
    """`settle_seconds` after a final view was sent, and at each of `sweeps_seconds` after a doubt."""

    def __init__(
        self, checks: Checks, *, settle_seconds: float, sweeps_seconds: tuple[float, ...], clock: Callable[[], datetime]
    ) -> None:
        self._checks = checks
        self._settle_seconds = settle_seconds
        self._sweeps_seconds = sweeps_seconds
        self._clock = clock

    async def look_later(self, id: str, slot: str, record: Record, thread_ts: str) -> None:
        """A call about this message was never answered."""
        check = self._check(record.channel, record.intent_at, self._sweeps_seconds, thread_ts)
        await self._checks.schedule((id, slot), check)

    async def look_when_settled(self, id: str, channel: str, since: datetime) -> None:
        """The anchor of a task is about to show its end."""
        await self._checks.schedule((id, ANCHOR), self._check(channel, since, (self._settle_seconds,), ""))

    def _check(self, channel: str, since: datetime, after_seconds: tuple[float, ...], thread_ts: str) -> Check:
        now = self._clock()
        due = tuple(sorted(now + timedelta(seconds=seconds) for seconds in after_seconds))
        return Check(channel=channel, since=since, due=due, thread_ts=thread_ts)
