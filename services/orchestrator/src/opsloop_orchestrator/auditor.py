"""Writes the audit: a decision is on record before anything follows from it, or nothing follows."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from opsloop_common import audit, codec
from opsloop_common.audit import FIRST, AuditRecord, Decision
from opsloop_common.bus import Bus, Conflict, Expect
from opsloop_common.subjects import Subjects

TRIES = 50
"""Others append to the chain of the same shard at the same time; one of them gets through each time."""


class Head(msgspec.Struct, frozen=True):
    """The newest record of a chain."""

    sequence: int = 0
    hash: str = FIRST
    id: str = ""


class Auditor:
    def __init__(self, bus: Bus, subjects: Subjects, clock: Callable[[], datetime]) -> None:
        self._bus = bus
        self._subjects = subjects
        self._clock = clock
        self._heads: dict[str, Head] = {}

    async def write(self, event_id: str, id: str, decision: Decision) -> None:
        """Returns once the decision about a task or answer is stored under the id of the event it permits.

        Raises BusError: then nothing may follow.
        """
        subject = self._subjects.audit(id)
        for _ in range(TRIES):
            head = self._heads.get(subject) or await self._newest(subject)
            if head.id == event_id:
                # Our own of a moment ago, whose answer was lost.
                return
            record = audit.record(event_id, self._clock(), decision, head.hash)
            self._heads.pop(subject, None)
            try:
                sequence = await self._bus.publish(subject, codec.encode(record), expect=Expect(head.sequence))
            except Conflict:
                continue
            self._heads[subject] = Head(sequence, record.hash, event_id)
            return
        raise Conflict(f"{subject}: too many at once")

    async def _newest(self, subject: str) -> Head:
        stored = await self._bus.last(self._subjects.stream("AUDIT"), subject)
        if stored is None:
            return Head()
        newest = codec.decode(stored.data, AuditRecord)
        return Head(stored.sequence, newest.hash, newest.id)
