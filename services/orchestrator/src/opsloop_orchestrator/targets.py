"""Target records: who holds a target, and who waits for it, in order. Changed by compare-and-swap only.

A holder counts only while its own last event is not final, so a crash between the end of a task and its release is
repaired by whoever looks next.
"""

import hashlib
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
    """`likeness` tells equal tasks before their first event is there to be compared."""

    id: str
    since: datetime
    likeness: str = ""


class TargetRecord(msgspec.Struct, frozen=True):
    """The members in order; the first is the holder."""

    members: tuple[Member, ...] = ()

    def has(self, id: str) -> bool:
        return any(member.id == id for member in self.members)

    def without(self, ids: set[str]) -> "TargetRecord":
        return TargetRecord(tuple(member for member in self.members if member.id not in ids))

    def with_member(self, task: TaskState, now: datetime) -> "TargetRecord":
        return TargetRecord((*self.members, Member(task.id, now, _likeness(task))))


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
            if twin := self._twin(task, record, members):
                return Joined(twin)
            kept = record.without(self._leftovers(record, members) - {task.id})
            if not kept.has(task.id):
                if len(kept.members) >= MEMBERS_AT_MOST:
                    return Full()
                kept = kept.with_member(task, self._clock())
            if await self._swap(task.target, kept, record, entry.revision):
                return self._entered(task.id, kept, members)

    def _twin(self, task: TaskState, record: TargetRecord, members: dict[str, FoundTask | None]) -> TaskState | None:
        """An equal task that is queued or running, or is about to be queued by somebody else at this moment."""
        for member in record.members:
            found = members[member.id]
            if member.id == task.id or self._is_leftover(member, found):
                continue
            if found is not None and is_twin(found.state, task):
                return found.state
            if found is None and member.likeness == _likeness(task):
                return msgspec.structs.replace(task, id=member.id)
        return None

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
                kept = kept.with_member(task, self._clock())
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
        return {member.id for member in record.members if self._is_leftover(member, members[member.id])}

    def _is_leftover(self, member: Member, found: FoundTask | None) -> bool:
        if found is None:
            return self._clock() - member.since > UNBORN_FOR_AT_MOST
        return not found.state.is_open


def _likeness(task: TaskState) -> str:
    told = msgspec.json.encode([task.task, task.target, task.params], order="sorted")
    return hashlib.sha256(told).hexdigest()[:16]
