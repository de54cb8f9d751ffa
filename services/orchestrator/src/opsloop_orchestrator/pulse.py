"""The pulse of a running task: when it last gave a sign of life, and what silence means. Times are a loop's seconds."""

from opsloop_common.catalogue import TaskType


class Pulse:
    """Silence is told when it begins to be long, then each time it has doubled: few events for however long a stall."""

    def __init__(self, kind: TaskType, now: float) -> None:
        self._stalled_after = kind.stalled_after_seconds
        self._gone_after = kind.heartbeat_seconds
        self.feel(now)

    def feel(self, now: float) -> None:
        """A sign of life."""
        self._felt_at = now
        self._tell_after = self._stalled_after

    def look_at(self) -> float | None:
        """When silence has to be looked at next; None for never."""
        waits = [seconds for seconds in (self._tell_after, self._gone_after) if seconds > 0]
        return self._felt_at + min(waits) if waits else None

    def is_gone(self, now: float) -> bool:
        """Whether the silence is too long to go on."""
        return 0 < self._gone_after <= now - self._felt_at

    def silence(self, now: float) -> float | None:
        """The seconds of silence that are to be told now; None when there is nothing new to tell."""
        if not 0 < self._tell_after <= now - self._felt_at:
            return None
        told = self._tell_after
        while self._tell_after <= now - self._felt_at:
            told, self._tell_after = self._tell_after, self._tell_after * 2
        return told
