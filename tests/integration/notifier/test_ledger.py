"""The ledger: written by the owner of a partition alone, which the broker itself enforces."""

from datetime import UTC, datetime

import msgspec
import pytest

from opsloop_common.bus import Bus, Expect
from opsloop_common.records import Bucket
from opsloop_common.subjects import Subjects
from opsloop_notifier.ledger import Ledger, Moved, Record
from opsloop_notifier.territory import Epoch
from unit.notifier.states import TASK_ID

RECORD = Record(state="intent", intent_at=datetime(2026, 11, 22, tzinfo=UTC), channel="C0OPS")
POSTED = msgspec.structs.replace(RECORD, state="posted", ts="1.1")
EPOCH = "epoch.07"


class Owner:
    """Somebody who took the partition at some time."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.refusals: list[str] = []

    def fence(self, id: str) -> Expect:
        return Expect(self.epoch, f"$KV.LEDGER.{EPOCH}")

    def refused(self, id: str) -> None:
        self.refusals.append(id)


@pytest.fixture
def epochs(bus: Bus, subjects: Subjects) -> Bucket[Epoch]:
    return Bucket(bus, subjects.bucket("LEDGER"), Epoch)


async def test_a_record_is_what_its_owner_wrote_last(bus: Bus, subjects: Subjects, epochs: Bucket[Epoch]) -> None:
    """All slots of a task are loaded; a write that is repeated because its answer was lost changes nothing."""
    ledger = Ledger(bus, subjects.bucket("LEDGER"), Owner(await epochs.put(EPOCH, Epoch("a"))))
    await ledger.write(TASK_ID, "anchor", RECORD)
    await ledger.write(TASK_ID, "anchor", POSTED)
    await ledger.write(TASK_ID, "anchor", POSTED)
    await ledger.write(TASK_ID, "1-end", RECORD)
    assert await ledger.load(TASK_ID) == {"anchor": POSTED, "1-end": RECORD}
    assert await ledger.get(TASK_ID, "anchor") == POSTED
    assert await ledger.load("07-" + "z" * 20) == {}


async def test_a_former_owner_is_refused_by_the_broker(bus: Bus, subjects: Subjects, epochs: Bucket[Epoch]) -> None:
    """As soon as somebody else has the partition, not a single write of the former owner gets through."""
    former = Owner(await epochs.put(EPOCH, Epoch("a")))
    old = Ledger(bus, subjects.bucket("LEDGER"), former)
    await old.write(TASK_ID, "anchor", RECORD)
    new = Ledger(bus, subjects.bucket("LEDGER"), Owner(await epochs.put(EPOCH, Epoch("b"))))
    with pytest.raises(Moved):
        await old.write(TASK_ID, "anchor", POSTED)
    assert former.refusals == [TASK_ID]
    assert await new.get(TASK_ID, "anchor") == RECORD
    await new.write(TASK_ID, "anchor", POSTED)
