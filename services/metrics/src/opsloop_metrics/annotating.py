"""Keeps Grafana's annotations true to the tasks: each attempt once, whatever is delivered again, on any replica.

Posting is not idempotent, so a record is written before: `intent`, then the annotation's id. Whoever finds an intent
that is not their own waits until it is old, looks for the annotation by its tags, and adopts it or posts it.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from opsloop_common import codec
from opsloop_common.bus import Bus, Conflict
from opsloop_common.bus.consume import Ack, Delivery, Outcome, Reject, Retry
from opsloop_common.events import TaskState
from opsloop_common.records import Bucket, Entry
from opsloop_common.subjects import Subjects, event_in
from opsloop_metrics import annotation
from opsloop_metrics.annotation import Annotation
from opsloop_metrics.grafana import Grafana, Unreachable

log = logging.getLogger(__name__)

AGAIN_SECONDS = 10.0
INTENT_OLD_AFTER = timedelta(seconds=15)
"""Longer than a call to Grafana takes at most."""
WORTH_ANNOTATING = timedelta(hours=6)
"""An event that could not be shown for so long is given up: nobody looks there any more."""

Thread = Callable[[str], Awaitable[str]]
"""The link to a task's thread; empty where nobody knows it."""


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What Grafana has of an attempt. `id` is 0 while it is being posted; `status` the state it shows."""

    at: datetime
    id: int = 0
    status: str = ""


Result = Literal["posted", "patched", "adopted", "unchanged", "unreachable", "given_up"]
Count = Callable[[Result], None]


class Annotating:
    """Handles events. `grafana` is None where there is none: then nothing is kept either."""

    def __init__(self, *, bus: Bus, subjects: Subjects, grafana: Grafana | None, thread: Thread, count: Count) -> None:
        self._bus = bus
        self._subjects = subjects
        self._records = Bucket(bus, subjects.bucket("ANNOTATIONS"), Shown)
        self._grafana = grafana
        self._thread = thread
        self._count = count

    async def event(self, delivery: Delivery) -> Outcome:
        """Acknowledged once Grafana shows what the event led to, or something newer."""
        if self._grafana is None or event_in(delivery.subject) not in annotation.EVENTS:
            return Ack()
        try:
            task = codec.decode_event(delivery.data).data
        except codec.Undecodable as error:
            return Reject(str(error))
        if not isinstance(task, TaskState):
            return Ack()
        if datetime.now(UTC) - delivery.time > WORTH_ANNOTATING:
            self._count("given_up")
            return Ack()
        return await self._tried(self._grafana, task)

    async def _tried(self, grafana: Grafana, task: TaskState) -> Outcome:
        try:
            return await self._show(grafana, task)
        except Unreachable as error:
            self._count("unreachable")
            log.warning("Grafana has not been told of %s yet: %s", task.id, error)
            return Retry(AGAIN_SECONDS)
        except Conflict:
            return Retry(0.2)

    async def _show(self, grafana: Grafana, told: TaskState) -> Outcome:
        task = await self._newest(told)
        wanted = annotation.of(task, await self._thread(task.id))
        if wanted is None:
            return Ack()
        entry = await self._records.get(f"{task.id}.{task.attempt}")
        shown = entry.value
        if shown is not None and shown.id:
            return await self._patch(grafana, entry, shown, wanted, task)
        if shown is not None and datetime.now(UTC) - shown.at < INTENT_OLD_AFTER:
            return Retry(AGAIN_SECONDS)
        intent = await self._put(entry, Shown(at=datetime.now(UTC)))
        return await self._post(grafana, intent, wanted, task)

    async def _newest(self, told: TaskState) -> TaskState:
        """The attempt as it stands now: its end may have come before its start was shown."""
        stored = await self._bus.last(self._subjects.stream("EVT"), self._subjects.events_of(told.id))
        state = codec.decode_event(stored.data).data if stored else None
        return state if isinstance(state, TaskState) and state.attempt == told.attempt else told

    async def _post(self, grafana: Grafana, entry: Entry[Shown], wanted: Annotation, task: TaskState) -> Outcome:
        """With an intent of our own in the record. One that was lost on its way is found by its tags."""
        found = await grafana.find(wanted)
        if found is None:
            id = await grafana.post(wanted)
        else:
            id = found
            await grafana.patch(id, wanted)
        await self._put(entry, Shown(at=datetime.now(UTC), id=id, status=task.status))
        self._count("posted" if found is None else "adopted")
        return Ack()

    async def _patch(
        self, grafana: Grafana, entry: Entry[Shown], shown: Shown, wanted: Annotation, task: TaskState
    ) -> Outcome:
        if shown.status == task.status or (wanted.ends_ms is None and shown.status != "running"):
            self._count("unchanged")
            return Ack()
        await grafana.patch(shown.id, wanted)
        await self._put(entry, msgspec.structs.replace(shown, status=task.status))
        self._count("patched")
        return Ack()

    async def _put(self, entry: Entry[Shown], shown: Shown) -> Entry[Shown]:
        """Raises Conflict when another replica was faster."""
        return Entry(entry.key, await self._records.put(entry.key, shown, revision=entry.revision), shown)
