"""The projection: folds the events into rows that can be listed, and tells status cards what became of their tasks.

It decides nothing and can be rebuilt from the events. Whoever acts on a row loads the task first.
"""

import logging
from collections.abc import Callable
from datetime import datetime

import msgspec

from opsloop_common import codec
from opsloop_common.answers import AnswerState, TaskRow
from opsloop_common.bus import Conflict
from opsloop_common.bus.consume import Ack, Delivery, Outcome, Reject, Retry
from opsloop_common.events import OPEN_STATUSES, Status, TaskState
from opsloop_common.people import Person
from opsloop_common.records import Bucket, Entry
from opsloop_orchestrator import cards
from opsloop_orchestrator.homes import Homes
from opsloop_orchestrator.journal import Journal

log = logging.getLogger(__name__)

DONE_KEPT_SECONDS = 7 * 24 * 3600
CHANGE_NO_LIST = frozenset({"ops.task.progressed.v1", "ops.task.step.v1", "ops.task.stalled.v1"})

DueAt = Callable[[TaskState], datetime | None]
"""When something is to be done about a task that nobody runs."""
NO_TARGET = "-"
"""In the key of a task that another system runs on nothing we know."""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task in a list. `sequence` is that of the event it was folded from, `since` that event's time.

    `due_at` is when something is to be done about a task that nobody runs.
    `title` and `publisher` are those of a task that another system runs.
    """

    id: str
    task: str
    target: str
    status: Status
    attempt: int
    by: Person
    sequence: int
    since: datetime
    owner: str = ""
    cancelling: bool = False
    due_at: datetime | None = None
    title: str = ""
    publisher: str = ""

    @property
    def is_open(self) -> bool:
        """Whether something will be done about the task without a person: it waits, runs, or is tried again."""
        return self.status in OPEN_STATUSES or self.due_at is not None

    @property
    def shown(self) -> TaskRow:
        """The row as a list in an answer has it."""
        return TaskRow(
            id=self.id,
            task=self.task,
            target=self.target,
            status=self.status,
            by=self.by,
            at=self.since,
            sequence=self.sequence,
            attempt=self.attempt,
            cancelling=self.cancelling,
            title=self.title,
        )


class Projection:
    """Handles one event at a time."""

    def __init__(self, rows: Bucket[Row], journal: Journal, homes: Homes, due_at: DueAt) -> None:
        self._rows = rows
        self._due_at = due_at
        self._journal = journal
        self._homes = homes

    async def handle(self, delivery: Delivery) -> Outcome:
        try:
            event = codec.decode_event(delivery.data)
        except codec.Undecodable as error:
            return Reject(str(error))
        state = event.data
        # Progress and silence change no list and no card; every other event does.
        if isinstance(state, AnswerState) or event.type in CHANGE_NO_LIST:
            return Ack()
        try:
            await self._fold(row_of(state, delivery.sequence, event.time, self._due_at(state)))
            await self._show_on_card(state, delivery.sequence)
            await self._homes.show(state, delivery.sequence, event.time)
        except Conflict:
            return Retry(0.05)
        return Ack()

    async def open_rows(self) -> list[Row]:
        """The rows of all tasks that are queued, running or to be tried again. Raises BusError."""
        entries = await self._rows.under("open.>")
        return [entry.value for entry in entries if entry.value is not None]

    async def all_rows(self) -> list[Row]:
        """The rows of all open tasks, and of those that ended in the last seven days. Raises BusError."""
        return [entry.value for entry in await self._rows.under(">") if entry.value is not None]

    async def ended_rows(self, target: str) -> list[Row]:
        """The rows of a target's tasks that ended in the last seven days. Raises BusError."""
        return [entry.value for entry in await self._rows.under(f"done.{target}.*") if entry.value is not None]

    async def _fold(self, row: Row) -> None:
        here, there = ("open", "done") if row.is_open else ("done", "open")
        place = f"{row.target or NO_TARGET}.{row.id}"
        mine, other = await self._rows.get(f"{here}.{place}"), await self._rows.get(f"{there}.{place}")
        if _sequence(mine) > row.sequence or _sequence(other) >= row.sequence:
            return
        if _sequence(mine) < row.sequence:
            ttl_seconds = 0 if row.is_open else DONE_KEPT_SECONDS
            await self._rows.put(mine.key, row, revision=mine.revision, ttl_seconds=ttl_seconds)
        # Also when this very row was put before: whoever put it may have died before it came to this.
        if other.value is not None:
            await self._rows.delete(other.key, revision=other.revision)

    async def _show_on_card(self, task: TaskState, sequence: int) -> None:
        if not task.card:
            return
        found = await self._journal.find(task.card)
        if found is None or not isinstance(found.state, AnswerState):
            return
        changed = cards.on_card(found.state, task, sequence)
        if changed is not None:
            await self._journal.append("updated", changed, found.sequence, caused_by=task.id)


def row_of(task: TaskState, sequence: int, since: datetime, due_at: datetime | None) -> Row:
    return Row(
        id=task.id,
        task=task.task,
        target=task.target,
        status=task.status,
        attempt=task.attempt,
        by=task.tried_by,
        sequence=sequence,
        since=since,
        owner=task.owner,
        cancelling=task.status == "running" and task.cancelled_by is not None,
        due_at=due_at,
        title=task.external.title if task.external else "",
        publisher=task.external.publisher if task.external else "",
    )


def _sequence(entry: Entry[Row]) -> int:
    return entry.value.sequence if entry.value is not None else 0
