"""trigger_id: the right to open one modal, for three seconds after a person did something."""

import secrets
import time

import msgspec

from opsloop_sandbox.slack_error import SlackError

LIFETIME_SECONDS = 3.0
MOST_KEPT = 1000


class Trigger(msgspec.Struct):
    user: str
    issued_at: float
    is_used: bool = False


class Triggers:
    """Lives in memory: after a restart every trigger has expired, as it would have anyway. Times are Unix seconds."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger] = {}

    def issue(self, user: str, now: float) -> str:
        trigger_id = f"{time.time_ns()}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, now)
        while len(self._triggers) > MOST_KEPT:
            del self._triggers[next(iter(self._triggers))]
        return trigger_id

    def exchange(self, trigger_id: str, now: float) -> str:
        """The user it was issued for; a second time it is refused. Raises SlackError in the words of views.open."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.is_used:
            raise SlackError("exchanged_trigger_id")
        if now - trigger.issued_at > LIFETIME_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.is_used = True
        return trigger.user
