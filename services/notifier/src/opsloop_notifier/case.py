"""A case: one task or answer, its newest event, and what the ledger says is visible of it."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from opsloop_common.answers import AnswerState
from opsloop_common.events import TaskState
from opsloop_common.people import Conversation
from opsloop_notifier import view
from opsloop_notifier.ledger import Record
from opsloop_notifier.view import ANCHOR, PRIVATE, TOLD, Event


class Handle(Protocol):
    """A message of the broker that is still ours to acknowledge."""

    async def ack(self) -> None: ...

    async def again(self, delay_seconds: float) -> None: ...


class Held(msgspec.Struct):
    """An event and its handle; None once it is acknowledged."""

    event: Event
    at: datetime
    handle: Handle | None


class Case:
    """Keeps of all events of one id only what still matters: the newest, and ends of earlier attempts.

    An earlier attempt's end stays until its reply stands in the thread: a retry does not swallow the failure before it.
    """

    def __init__(self, id: str, newest: Held) -> None:
        self.id = id
        self.newest = newest
        self.ends: dict[int, Held] = {}
        self.records: dict[str, Record] | None = None
        self.published = 0
        """The sequence of the state that the person's page shows."""
        self.is_overtaken = False
        """A newer state of the page is on the bus; it may be on its way to another replica."""
        self.links: dict[str, str] = {}
        self.lost_ts = ""
        """The anchor that Slack said is gone."""
        self.noted_end = 0
        """The sequence of the end for which a later look is noted."""
        self.plain: set[tuple[str, int]] = set()
        """(slot, sequence) of what Slack refused as blocks."""
        self.drawn_at = float("-inf")
        """When the card was last updated, on the loop's clock."""
        self.jobs: dict[str, asyncio.Task[None]] = {}
        self.changed = asyncio.Event()
        self.is_let_go = False
        """Somebody else shows it from now on: nothing more is begun here."""
        self.calls_under_way = 0

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """While inside, Slack is asked for something that has to be recorded: better finished than cut off."""
        self.calls_under_way += 1
        try:
            yield
        finally:
            self.calls_under_way -= 1

    @property
    def conversation(self) -> Conversation:
        return self.newest.event.state.conversation

    @property
    def task(self) -> TaskState | None:
        state = self.newest.event.state
        return state if isinstance(state, TaskState) else None

    @property
    def is_private(self) -> bool:
        state = self.newest.event.state
        return isinstance(state, AnswerState) and state.visibility == "private"

    @property
    def is_home(self) -> bool:
        state = self.newest.event.state
        return isinstance(state, AnswerState) and state.visibility == "home"

    def offer(self, held: Held) -> list[Handle]:
        """Takes an event in; returns the handles of those it overtook, or that came too late to matter."""
        if held.event.sequence == self.newest.event.sequence:
            self.newest.handle = held.handle or self.newest.handle
            return []
        older = self.newest if held.event.sequence > self.newest.event.sequence else held
        if older is not held:
            self.newest = held
            self.changed.set()
        return self._overtaken(older)

    def _overtaken(self, older: Held) -> list[Handle]:
        state, newest = older.event.state, self.task
        if isinstance(state, TaskState) and newest and older.event.is_final and state.attempt != newest.attempt:
            self.ends[state.attempt] = older
            return []
        return [older.handle] if older.handle else []

    # --- what the ledger says -----------------------------------------------------------------------------------

    def record(self, slot: str) -> Record | None:
        return (self.records or {}).get(slot)

    def keep(self, slot: str, record: Record) -> None:
        records = {} if self.records is None else self.records
        self.records = {**records, slot: record}

    @property
    def settled(self) -> set[str]:
        return {slot for slot, record in (self.records or {}).items() if record.is_settled}

    @property
    def anchor_ts(self) -> str:
        """The timestamp of the anchor while it stands; empty else."""
        record = self.record(ANCHOR)
        stands = record is not None and record.state == "posted" and record.ts != self.lost_ts
        return record.ts if record and stands else ""

    @property
    def is_unreachable(self) -> bool:
        record = self.record(ANCHOR)
        return record is not None and record.state == "undeliverable"

    # --- what is due --------------------------------------------------------------------------------------------

    def anchor_is_due(self) -> bool:
        if self.is_private or self.is_home or self.is_let_go:
            return False
        record = self.record(ANCHOR)
        if record is None or not record.is_settled:
            return True
        if record.state == "undeliverable":
            # One more try when it ends: somebody may have invited us meanwhile. Not where it may be visible already.
            is_news = self.newest.event.is_final and record.seq < self.newest.event.sequence
            return is_news and not record.is_unknown
        return record.ts == self.lost_ts or record.seq < self.newest.event.sequence or self._has_new_links(record)

    def _has_new_links(self, record: Record) -> bool:
        return bool(self.links.keys() - record.links.keys())

    def reply_is_due(self) -> bool:
        if self.is_let_go:
            return False
        is_undecided = bool(self.undecided_replies())
        return (
            is_undecided
            if self.is_unreachable
            else bool(self.anchor_ts) and (self.due_event() is not None or is_undecided)
        )

    def undecided_replies(self) -> list[str]:
        """The slots of replies that somebody began to post and never finished."""
        records = {slot: record for slot, record in (self.records or {}).items() if view.is_thread_slot(slot)}
        return [slot for slot, record in records.items() if record.state in ("intent", "sending")]

    def due_event(self) -> Held | None:
        """The event whose reply comes next: ends of earlier attempts first, then the newest."""
        waiting = [self.ends[attempt] for attempt in sorted(self.ends)]
        for held in [*waiting, self.newest]:
            state = held.event.state
            if isinstance(state, TaskState) and view.due_reply(state, self.settled):
                return held
        return None

    def private_is_due(self) -> bool:
        is_anybodys = self.task is None or bool(self.task.tried_by.user)
        is_due = (self.is_private or (self.is_unreachable and is_anybodys)) and PRIVATE not in self.settled
        return is_due and not self.is_let_go

    def telling_is_due(self) -> bool:
        """Whether another system waits to hear what became of its task's card."""
        is_its = self.task is not None and self.task.external is not None
        is_due = is_its and (bool(self.anchor_ts) or self.is_unreachable) and TOLD not in self.settled
        return is_due and not self.is_let_go

    def home_is_due(self) -> bool:
        return (
            self.is_home and not self.is_let_go and (self.is_overtaken or self.published < self.newest.event.sequence)
        )

    def missing_links(self) -> list[str]:
        return view.tasks_without_link(self.newest.event, self.known_links())

    def known_links(self) -> Mapping[str, str]:
        record = self.record(ANCHOR)
        return {**(record.links if record else {}), **self.links}

    def is_visible(self) -> bool:
        """Whether everything the newest event asks for is in Slack, or refused by it for good."""
        if self.is_private:
            return PRIVATE in self.settled
        if self.is_home:
            return not self.home_is_due()
        if self.anchor_is_due() or self.private_is_due() or self.telling_is_due():
            return False
        if self.is_unreachable:
            return not self.undecided_replies()
        state = self.newest.event.state
        reply = isinstance(state, TaskState) and view.due_reply(state, self.settled)
        return not reply and not self.missing_links() and not self.undecided_replies()

    def is_over(self) -> bool:
        """Whether no more events are to be expected soon; one that comes all the same loads the case again."""
        return self.newest.event.is_final or self.task is None
