"""Checkpoints: the results of finished steps, kept for an attempt that another process has to resume."""

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

    async def keep(self, id: str, attempt: int, name: str, result: bytes) -> None:
        """Stores a step's result under its name. Repeating it changes nothing that matters."""
        await self._bucket.put(key(id, attempt, name), StepRecord(name, result.decode()))
