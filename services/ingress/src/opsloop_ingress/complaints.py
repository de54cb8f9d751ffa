"""Log lines about requests that are not taken: at most one a second for each reason, never with what was sent."""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

QUIET_SECONDS = 1.0
MOST_HOSTS = 20


class Complaints:
    """`monotonic` is a clock in seconds that never goes back."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._said_at: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}
        self._hosts: set[str] = set()

    def say(self, what: str, reason: str) -> None:
        """`what` and `reason` come from closed lists: "refused", "stale"."""
        key = f"{what} {reason}"
        now = self._monotonic()
        if now - self._said_at.get(key, float("-inf")) < QUIET_SECONDS:
            self._unsaid[key] = self._unsaid.get(key, 0) + 1
            return
        more = self._unsaid.pop(key, 0)
        self._said_at[key] = now
        log.warning("request %s: %s%s", what, reason, f" (and {more} more since the last line)" if more else "")

    def foreign_answer_host(self, host: str) -> None:
        """Told once for each host, and for a few hosts only: somebody else chooses them."""
        if host in self._hosts or len(self._hosts) >= MOST_HOSTS:
            return
        self._hosts.add(host)
        log.warning("answer URL left out: its host %r is neither Slack's nor that of SLACK_API_URL", host)
