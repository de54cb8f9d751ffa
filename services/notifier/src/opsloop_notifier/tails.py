"""The end of a task's log, as the LOG stream has it."""

import asyncio
import logging

from opsloop_common import codec
from opsloop_common.bus import Bus, BusError
from opsloop_common.codec import Undecodable
from opsloop_common.events import LogLine
from opsloop_common.subjects import Subjects

log = logging.getLogger(__name__)

TRIES = 3
AGAIN_SECONDS = 0.3


class Tails:
    def __init__(self, bus: Bus, subjects: Subjects) -> None:
        self._bus = bus
        self._subjects = subjects

    async def read(self, id: str, attempt: int | None, at_most: int) -> list[str]:
        """The last lines, oldest first; of one attempt, or of all. Empty if the log cannot be read: it is an extra."""
        for _ in range(TRIES):
            try:
                stored = await self._bus.read(self._subjects.stream("LOG"), self._subjects.log(id))
            except BusError as error:
                log.warning("cannot read the log of %s: %s", id, error)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            lines = [line for line in map(_line, (one.data for one in stored)) if line is not None]
            return [line.line for line in lines if attempt is None or line.attempt == attempt][-at_most:]
        return []


def _line(data: bytes) -> LogLine | None:
    try:
        return codec.decode(data, LogLine)
    except Undecodable:
        return None
