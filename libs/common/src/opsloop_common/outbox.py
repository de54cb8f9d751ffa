"""The outbox: notices on their way to publishers, each told once."""

from opsloop_common import codec
from opsloop_common.bus import Bus, Conflict, Expect
from opsloop_common.notices import NOTICES, Accepted, Clicked, Rejected, Shown
from opsloop_common.subjects import Subjects, is_token

NO_TASK = "_"
"""Stands in the subject of a notice about an event whose own subject names no task."""


class Outbox:
    """Raises BusError; repeating it then tells nothing twice."""

    def __init__(self, bus: Bus, subjects: Subjects) -> None:
        self._bus = bus
        self._subjects = subjects

    async def once(self, notice: Accepted | Shown) -> None:
        """Tells what is told once for each task: nothing, if it was told before."""
        try:
            await self._bus.publish(self._subject(notice), codec.encode(notice), expect=Expect(0))
        except Conflict:
            return

    async def tell(self, notice: Rejected | Clicked, message_id: str) -> None:
        """Tells what may happen often; the broker drops what has the id of something told in the last two hours."""
        await self._bus.publish(self._subject(notice), codec.encode(notice), message_id=message_id)

    def _subject(self, notice: Accepted | Shown | Rejected | Clicked) -> str:
        task_id = notice.task_id if is_token(notice.task_id) else NO_TASK
        return self._subjects.notice(notice.publisher, task_id, NOTICES[type(notice)])
