"""What the bus says of a task or answer now."""

import logging
from collections.abc import Awaitable, Callable

from opsloop_common import codec
from opsloop_common.bus import Bus, BusError
from opsloop_common.codec import Undecodable
from opsloop_common.subjects import Subjects
from opsloop_notifier.view import Event

log = logging.getLogger(__name__)

ReadNewest = Callable[[str], Awaitable[Event | None]]
"""The newest state under an id, with its sequence; None when there is none, or nobody can tell now."""


class Newest:
    def __init__(self, bus: Bus, subjects: Subjects) -> None:
        self._bus = bus
        self._subjects = subjects

    async def of(self, id: str) -> Event | None:
        try:
            found = await self._bus.newest_of_each(self._subjects.stream("EVT"), self._subjects.events_of(id))
            return Event(found[-1].sequence, codec.decode_event(found[-1].data).data) if found else None
        except (BusError, Undecodable) as error:
            log.warning("the newest state of %s is not to be had: %s", id, error)
            return None
