"""The ledger: which message of ours shows what, one record per message, written by the owner of its partition alone.

Posting is not idempotent, so a record is written before: `intent` before anything is sent, `sending` before the bytes
leave, `posted` with the timestamp after. One found in `sending` may be visible or not: see `reconcile`.
"""

import asyncio
import logging
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from opsloop_common.bus import Bus, BusError, Conflict, Expect
from opsloop_common.records import Bucket, Entry

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.25
LOADS_AT_ONCE = 32

RecordState = Literal["intent", "sending", "posted", "undeliverable", "superseded"]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message. `version` is that of the view which Slack confirmed last; `is_doubtful`: some call about it was never
       answered, so that something older or a copy may land yet.
    `seq` is the sequence of the event it shows (in `sending`: is meant to show).

       `replaced` is the timestamp of a lost message that this one stands for; an undeliverable one that
       `is_unknown` may be visible all the same, for we may not read there; `links` are the permalinks a status card
       shows, by task id.
    """

    state: RecordState
    intent_at: datetime
    channel: str = ""
    ts: str = ""
    seq: int = 0
    content_hash: str = ""
    tries: int = 0
    edits: int = 0
    version: str = ""
    is_doubtful: bool = False
    replaced: str = ""
    is_unknown: bool = False
    error: str = ""
    links: dict[str, str] = {}

    @property
    def is_settled(self) -> bool:
        return self.state in ("posted", "undeliverable")


class Moved(Exception):
    """The partition has another owner: nothing may be sent or written about it here."""


class Fences(Protocol):
    """Who may write about what."""

    def fence(self, id: str) -> Expect:
        """What a write about an id expects. Raises Moved."""

    def refused(self, id: str) -> None:
        """The broker refused a write about an id."""


class Ledger:
    """All records. While the broker is away, a write waits for it: nobody sends without the broker."""

    def __init__(self, bus: Bus, bucket: str, fences: Fences) -> None:
        self._records = Bucket(bus, bucket, Record)
        self._fences = fences
        self._loads = asyncio.Semaphore(LOADS_AT_ONCE)

    async def load(self, id: str) -> dict[str, Record]:
        """The records of one task or answer, by slot."""
        async with self._loads:
            while True:
                try:
                    found = await self._records.under(f"{id}.>")
                except BusError as error:
                    await self._pause(error)
                    continue
                return {_slot(entry): entry.value for entry in found if entry.value is not None}

    async def get(self, id: str, slot: str) -> Record | None:
        while True:
            try:
                return (await self._records.get(f"{id}.{slot}")).value
            except BusError as error:
                await self._pause(error)

    async def write(self, id: str, slot: str, record: Record) -> None:
        """Replaces the slot's record. Raises Moved.

        Within an epoch nobody else writes it, so it may be written again when the answer was lost.
        """
        key = f"{id}.{slot}"
        while True:
            try:
                await self._records.put(key, record, fence=self._fences.fence(id))
                return
            except Conflict as error:
                self._fences.refused(id)
                raise Moved(key) from error
            except BusError as error:
                await self._pause(error)

    async def _pause(self, error: BusError) -> None:
        log.warning("the ledger waits for the broker: %s", error)
        await asyncio.sleep(AGAIN_SECONDS)


def _slot(entry: Entry[Record]) -> str:
    return entry.key.rpartition(".")[2]
