"""Target records: who holds a target, and who waits for it, in order. Changed by compare-and-swap only.

A holder counts only while its own last event is not final, so a crash between the end of a task and its release is
repaired by whoever looks next.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from opsloop_common.bus import Conflict
from opsloop_common.events import TaskState
from opsloop_common.records import Bucket
from opsloop_orchestrator.decide import is_twin
from opsloop_orchestrator.journal import FoundTask, Journal

MEMBERS_AT_MOST = 101
"""The holder and a hundred that wait."""
UNBORN_FOR_AT_MOST = timedelta(seconds=60)
"""A place is taken just before the task's first event is written; one without an event for longer is a leftover."""


class Member(msgspec.Struct, frozen=True):
    id: str
    since: datetime


class TargetRecord(msgspec.Struct, frozen=True):
    """The members in order; the first is the holder."""

    members: tuple[Member, ...] = ()

    def has(self, id: str) -> bool:
        return any(member.id == id for member in self.members)

    def without(self, ids: set[str]) -> "TargetRecord":
        return TargetRecord(tuple(member for member in self.members if member.id not in ids))

    def with_member(self, id: str, now: datetime) -> "TargetRecord":
        return TargetRecord((*self.members, Member(id, now)))


class Entered(msgspec.Struct, frozen=True):
    """The task has a place in the line (0: it holds the target); `ahead` is the holder, when that is another task."""

    place: int
    ahead: TaskState | None


class Joined(msgspec.Struct, frozen=True):
    """An equal task is queued or running already."""

    twin: TaskState


class Full(msgspec.Struct, frozen=True):
    pass


class Targets:
    def __init__(self, bucket: Bucket[TargetRecord], journal: Journal, clock: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._journal = journal
        self._clock = clock

    async def enter(self, task: TaskState) -> Entered | Joined | Full:
        """Gives the task a place in line, once. Raises BusError."""
        while True:
            entry = await self._bucket.get(task.target)
            record = entry.value or TargetRecord()
            members = await self._load(record)
            for found in members.values():
                if found is not None and found.state.id != task.id and is_twin(found.state, task):
                    return Joined(found.state)
            kept = record.without(self._leftovers(record, members) - {task.id})
            if not kept.has(task.id):
                if len(kept.members) >= MEMBERS_AT_MOST:
                    return Full()
                kept = kept.with_member(task.id, self._clock())
            if await self._swap(task.target, kept, record, entry.revision):
                return self._entered(task.id, kept, members)

    def _entered(self, id: str, record: TargetRecord, members: dict[str, FoundTask | None]) -> Entered:
        ids = [member.id for member in record.members]
        first = members.get(ids[0])
        return Entered(ids.index(id), first.state if first is not None and ids[0] != id else None)

    async def holder(self, task: TaskState) -> str:
        """Who holds the task's target now, after leftovers were cleared; the task gets a place if it has none."""
        while True:
            entry = await self._bucket.get(task.target)
            record = entry.value or TargetRecord()
            head = TargetRecord(record.members[:1])
            kept = record.without(self._leftovers(head, await self._load(head)) - {task.id})
            if not kept.has(task.id):
                kept = kept.with_member(task.id, self._clock())
            if not await self._swap(task.target, kept, record, entry.revision):
                continue
            first = kept.members[0].id
            if first == task.id or first == head.members[0].id:
                return first

    async def members(self, target: str) -> list[str]:
        """The ids of those who hold a target and wait for it, in order, after leftovers were cleared."""
        while True:
            entry = await self._bucket.get(target)
            record = entry.value or TargetRecord()
            kept = record.without(self._leftovers(record, await self._load(record)))
            if await self._swap(target, kept, record, entry.revision):
                return [member.id for member in kept.members]

    async def leave(self, task: TaskState) -> str:
        """Gives the task's place up; returns the id of the next holder, or "". Repeating it changes nothing."""
        while True:
            entry = await self._bucket.get(task.target)
            record = entry.value or TargetRecord()
            kept = record.without({task.id})
            if await self._swap(task.target, kept, record, entry.revision):
                return kept.members[0].id if kept.members else ""

    async def _swap(self, target: str, new: TargetRecord, old: TargetRecord, revision: int) -> bool:
        if new == old:
            return True
        try:
            await self._bucket.put(target, new, revision=revision)
        except Conflict:
            return False
        return True

    async def _load(self, record: TargetRecord) -> dict[str, FoundTask | None]:
        return {member.id: await self._journal.task(member.id) for member in record.members}

    def _leftovers(self, record: TargetRecord, members: dict[str, FoundTask | None]) -> set[str]:
        """Members that no longer count: ended without a release, or never born."""
        gone = set()
        for member in record.members:
            found = members[member.id]
            unborn_too_long = found is None and self._clock() - member.since > UNBORN_FOR_AT_MOST
            if unborn_too_long or (found is not None and not found.state.is_open):
                gone.add(member.id)
        return gone
