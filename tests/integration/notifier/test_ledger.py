"""The ledger: one writer at a time, and a write whose answer was lost is recognised as one's own."""

from datetime import UTC, datetime

import msgspec
import pytest

from opsloop_common.bus import Bus
from opsloop_common.subjects import Subjects
from opsloop_notifier.ledger import Ledger, Moved, Record
from unit.notifier.states import TASK_ID

RECORD = Record(state="intent", intent_at=datetime(2026, 11, 22, tzinfo=UTC), channel="C0OPS")
POSTED = msgspec.structs.replace(RECORD, state="posted", ts="1.1")


@pytest.fixture
def ledger(bus: Bus, subjects: Subjects) -> Ledger:
    return Ledger(bus, subjects.bucket("LEDGER"))


async def test_a_record_is_what_was_written_last(ledger: Ledger) -> None:
    """All slots of a task are loaded, each with its revision."""
    first = await ledger.write(TASK_ID, "anchor", RECORD, None)
    second = await ledger.write(TASK_ID, "anchor", POSTED, first)
    other = await ledger.write(TASK_ID, "1-end", RECORD, None)
    assert await ledger.load(TASK_ID) == {"anchor": second, "1-end": other}
    assert await ledger.get(TASK_ID, "anchor") == POSTED
    assert await ledger.load("07-" + "z" * 20) == {}


async def test_the_same_write_again_is_ours(ledger: Ledger) -> None:
    """Repeated because its answer was lost, it conflicts with itself and yields the same row."""
    first = await ledger.write(TASK_ID, "anchor", RECORD, None)
    assert await ledger.write(TASK_ID, "anchor", RECORD, None) == first


async def test_a_record_somebody_else_changed_is_not_overwritten(ledger: Ledger) -> None:
    """Compare-and-swap: the second of two writers has to load again."""
    first = await ledger.write(TASK_ID, "anchor", RECORD, None)
    await ledger.write(TASK_ID, "anchor", POSTED, first)
    with pytest.raises(Moved):
        await ledger.write(TASK_ID, "anchor", msgspec.structs.replace(RECORD, tries=1), first)
