"""Slack's rate limits: calls a minute per method, and posts a second per channel. Times are seconds of one clock.

https://docs.slack.dev/apis/web-api/rate-limits
"""

import math
from collections import deque

from opsloop_sandbox.page_contract import Budget

WINDOW_SECONDS = 60.0
POST = "chat.postMessage"
POSTS_A_SECOND = 1.0
POST_BURST = 4
PER_MINUTE = {
    "auth.test": 600,
    "chat.postMessage": 300,
    "chat.update": 50,
    "chat.delete": 50,
    "chat.postEphemeral": 100,
    "chat.getPermalink": 600,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "conversations.open": 50,
    "users.info": 100,
    "users.lookupByEmail": 50,
    "views.open": 100,
    "views.publish": 100,
    "views.update": 100,
}


class RateLimits:
    """A refused call is not counted."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._calls: dict[str, deque[float]] = {}
        self._channels: dict[str, tuple[float, float]] = {}  # channel -> (posts in hand, when that was)

    def wait_seconds(self, method: str, channel: str, now: float) -> int:
        """0 = go ahead, and it is counted; else the whole seconds for Retry-After."""
        if not self.enabled:
            return 0
        calls = self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - WINDOW_SECONDS:
            calls.popleft()
        if len(calls) >= PER_MINUTE.get(method, 50):
            return max(1, math.ceil(calls[0] + WINDOW_SECONDS - now))
        wait = self._take_post(channel, now) if method == POST else 0
        if wait == 0:
            calls.append(now)
        return wait

    def left(self, now: float) -> list[Budget]:
        """Per method: what is left of the minute."""
        return [
            Budget(method=method, limit=limit, left=limit - self._used(method, now))
            for method, limit in PER_MINUTE.items()
        ]

    def _used(self, method: str, now: float) -> int:
        return sum(at > now - WINDOW_SECONDS for at in self._calls.get(method, ()))

    def _take_post(self, channel: str, now: float) -> int:
        in_hand, since = self._channels.get(channel, (float(POST_BURST), now))
        in_hand = min(float(POST_BURST), in_hand + (now - since) * POSTS_A_SECOND)
        if in_hand < 1:
            self._channels[channel] = (in_hand, now)
            return max(1, math.ceil((1 - in_hand) / POSTS_A_SECOND))
        self._channels[channel] = (in_hand - 1, now)
        return 0
