"""Log lines of other systems' tasks: redacted and cut like our own, and each stored once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.events import LogLine, TaskState
from opsloop_common.redact import Redactor
from opsloop_common.subjects import Subjects
from opsloop_orchestrator.lines import clean

AT_ONCE = 100
"""Lines that are taken in together; of more, the last ones."""


class LogLines:
    def __init__(self, bus: Bus, subjects: Subjects, redact: Redactor) -> None:
        self._bus = bus
        self._subjects = subjects
        self._redact = redact

    async def write(self, task: TaskState, said: Sequence[tuple[str, str]], now: datetime) -> None:
        """Stores lines under names: one that was stored lately under its name is not stored again. Raises BusError."""
        left_out = len(said) - AT_ONCE
        if left_out > 0:
            note = (f"{said[0][0]}-left-out", f"… {left_out} lines left out: too many at once")
            said = [note, *said[left_out:]]
        if not said:
            return
        # On one connection they are stored in the order of sending.
        await asyncio.gather(*(self._send(task, name, line, now) for name, line in said))

    async def _send(self, task: TaskState, name: str, line: str, now: datetime) -> None:
        entry = LogLine(at=now, attempt=task.attempt, line=clean(line, self._redact))
        await self._bus.publish(self._subjects.log(task.id), codec.encode(entry), message_id=name)
