"""How much may be sent, and when: pure arithmetic over a clock that is given.

https://docs.slack.dev/apis/web-api/rate-limits: chat.update 50 a minute per workspace, posts one a second per channel
and several hundred a minute per workspace; bursts are tolerated but not promised.
"""

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """`burst` at once, then `per_second`. What is not urgent leaves `reserve` of the burst untouched."""

    per_second: float
    burst: float
    reserve: float = 0.0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, with what suits a workspace nobody else posts in on our behalf."""

    # Burst and refill together stay below 50 in any minute.
    update: Rate = Rate(per_second=38 / 60, burst=12, reserve=3)
    post: Rate = Rate(per_second=1, burst=4)
    post_workspace: Rate = Rate(per_second=4, burst=40, reserve=5)
    ephemeral: Rate = Rate(per_second=1.2, burst=20)
    read: Rate = Rate(per_second=38 / 60, burst=12)
    permalink: Rate = Rate(per_second=4, burst=40)
    publish: Rate = Rate(per_second=1.2, burst=20)
    card_seconds: float = 1.0
    """Between two progress updates of one card."""


class Allowance:
    """A bucket of tokens with a pause. Times are seconds of one monotonic clock."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._whole = self._rate = rate
        self._tokens = rate.burst
        self._since = now
        self._paused_until = now

    def share(self, now: float, among: int) -> None:
        """The limit holds for so many processes together; each takes its part."""
        self._refill(now)
        whole = self._whole
        self._rate = Rate(
            per_second=whole.per_second / among,
            burst=max(1.0 + whole.reserve / among, whole.burst / among),
            reserve=whole.reserve / among,
        )
        self._tokens = min(self._tokens, self._rate.burst)

    def wait_seconds(self, now: float, *, urgent: bool) -> float:
        """0: take one now. Else how long it takes at least until there is one."""
        self._refill(now)
        needed = 1.0 if urgent else 1.0 + self._rate.reserve
        # A token short by rounding is a token: else the wait could be too small for a clock to show.
        missing = needed - self._tokens
        until_token = 0.0 if missing <= 1e-6 else missing / self._rate.per_second
        return max(self._paused_until - now, until_token, 0.0)

    def take(self, now: float) -> None:
        self._refill(now)
        self._tokens -= 1

    def pause(self, now: float, seconds: float) -> None:
        """Nothing for so long. What was in hand is gone: whoever limits us counts otherwise than we do."""
        self._refill(now)
        self._paused_until = max(self._paused_until, now + seconds)
        self._tokens = min(self._tokens, 1.0 + self._rate.reserve)
        self._since = now

    def _refill(self, now: float) -> None:
        self._tokens = min(self._rate.burst, self._tokens + max(0.0, now - self._since) * self._rate.per_second)
        self._since = now
