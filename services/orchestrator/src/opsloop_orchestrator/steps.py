"""Checkpoints: the results of finished steps, kept for an attempt that another process has to resume."""

from opsloop_common.bus import Conflict
from opsloop_common.checkpoints import VERSION, StepRecord, key
from opsloop_common.records import Bucket


class Steps:
    def __init__(self, bucket: Bucket[StepRecord]) -> None:
        self._bucket = bucket

    async def kept(self, id: str, attempt: int) -> dict[str, bytes]:
        """The results kept for an attempt, by step name."""
        entries = await self._bucket.under(f"{id}.{attempt}.*")
        records = [entry.value for entry in entries if entry.value is not None]
        return {record.name: record.result.encode() for record in records if record.version == VERSION}

    async def keep(self, id: str, attempt: int, fence: int, name: str, result: bytes) -> None:
        """Stores a step's result under its name. Repeating it changes nothing that matters.

        Raises Conflict where a later claim has kept its own, however late this one comes; BusError.
        """
        entry = await self._bucket.get(key(id, attempt, name))
        if entry.value is not None and entry.value.fence > fence:
            raise Conflict(f"{id}: step {name!r} was done by a later claim")
        await self._bucket.put(entry.key, StepRecord(name, result.decode(), fence=fence), revision=entry.revision)
