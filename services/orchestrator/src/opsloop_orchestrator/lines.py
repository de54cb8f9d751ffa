"""Log lines of a running task: redacted and cut here, stored in order, never in the way of the task."""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import datetime

from opsloop_common import codec
from opsloop_common.bus import Bus, BusError
from opsloop_common.events import LogLine
from opsloop_common.redact import Redactor
from opsloop_orchestrator.journal import Permit

log = logging.getLogger(__name__)

LONGEST_LINE = 2_000
ON_THE_WAY_AT_MOST = 256

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class LogWriter:
    """Writes the lines of one attempt. Lines that the broker does not take are lost, with a warning."""

    def __init__(
        self,
        *,
        bus: Bus,
        subject: str,
        attempt: int,
        permit: Permit,
        redact: Redactor,
        clock: Callable[[], datetime],
    ) -> None:
        self.redact = redact
        self._bus = bus
        self._subject = subject
        self._attempt = attempt
        self._permit = permit
        self._clock = clock
        self._on_the_way: set[asyncio.Task[None]] = set()

    async def write(self, text: str) -> None:
        """Sends a line; waits only when very many are on their way."""
        line = LogLine(at=self._clock(), attempt=self._attempt, line=clean(text, self.redact))
        sending = asyncio.create_task(self._send(codec.encode(line)))
        self._on_the_way.add(sending)
        sending.add_done_callback(self._on_the_way.discard)
        if len(self._on_the_way) >= ON_THE_WAY_AT_MOST:
            await self.flush()

    async def flush(self) -> None:
        """Returns when every line written so far is stored, or known not to be."""
        if self._on_the_way:
            await asyncio.wait(set(self._on_the_way))

    async def _send(self, payload: bytes) -> None:
        try:
            self._permit.check()
            await self._bus.publish(self._subject, payload)
        except BusError as error:
            log.warning("log line lost: %s", error)


def clean(text: str, redact: Redactor) -> str:
    """A line without secrets, control characters and excess. Redacted before it is cut."""
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", redact(text))
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
