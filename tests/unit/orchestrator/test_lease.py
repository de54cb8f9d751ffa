"""A lease as its holder knows it: over in time, and over for good."""

import asyncio
import time
from datetime import UTC, datetime
from typing import cast

import pytest

from opsloop_common.bus import Conflict, Unconfirmed
from opsloop_common.records import Bucket, Entry
from opsloop_orchestrator.leases import Lapsed, Lease, LeaseRecord, Leases
from waiting import until

SECONDS = 2


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class MemoryBucket:
    """One record at a time; the next answer may be lost, or come late."""

    def __init__(self) -> None:
        self.records: dict[str, int] = {}
        self.sequence = 0
        self.lose_next_answer = False
        self.answer_after_seconds = 0.0

    async def put(self, key: str, value: LeaseRecord, *, revision: int, **_: object) -> int:
        if self.records.get(key, 0) != revision:
            raise Conflict(key)
        self.sequence += 1
        self.records[key] = self.sequence
        await asyncio.sleep(self.answer_after_seconds)
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise Unconfirmed(key)
        return self.sequence

    async def get(self, key: str) -> Entry[LeaseRecord]:
        revision = self.records.get(key, 0)
        return Entry(key, revision, LeaseRecord(datetime.now(UTC)) if revision else None)


class FakeRunners:
    def __init__(self) -> None:
        self.deadlines: list[float] = []
        self.killed = 0

    def live_until(self, deadline: float) -> None:
        self.deadlines.append(deadline)

    async def kill_all(self) -> None:
        self.killed += 1


def keeping(bucket: MemoryBucket, runners: FakeRunners) -> Leases:
    found = cast("Bucket[LeaseRecord]", bucket)
    return Leases(found, seconds=SECONDS, runners=runners, since=datetime.now(UTC))


def test_a_lease_is_held_from_its_first_renewal_until_its_time_is_over() -> None:
    """Not before, and not at the very moment of its end."""
    clock = Clock()
    lease = Lease(clock)
    assert not lease.is_held
    assert not lease.has_lapsed
    lease.renewed(1, 102.0)
    assert lease.is_held
    clock.now = 102.0
    assert not lease.is_held
    with pytest.raises(Lapsed):
        lease.check()


def test_an_answer_that_comes_too_late_does_not_bring_a_lease_back() -> None:
    """A renewal that was sent in time and answered after a long sleep changes nothing."""
    clock = Clock()
    lease = Lease(clock)
    lease.renewed(1, 102.0)
    clock.now = 103.0
    lease.renewed(2, 104.0)
    assert not lease.is_held
    clock.now = 101.0
    assert not lease.is_held


async def test_patience_ends_with_the_lease() -> None:
    """While the broker is away a call is repeated; once the lease is over it is not."""
    clock = Clock()
    lease = Lease(clock)
    lease.renewed(1, 102.0)
    calls = 0

    async def call() -> None:
        nonlocal calls
        calls += 1
        clock.now += 1.5
        raise Unconfirmed("away")

    with pytest.raises(Lapsed):
        await lease.patiently(call)
    assert calls == 2


async def test_the_time_counts_from_before_the_renewal_was_sent_and_runners_end_earlier() -> None:
    """A slow answer makes the lease shorter here, never longer than the broker's."""
    bucket, runners = MemoryBucket(), FakeRunners()
    bucket.answer_after_seconds = 0.1
    leases, before = keeping(bucket, runners), time.monotonic()
    await leases.renew()
    after = time.monotonic()
    assert leases.lease.is_held
    assert runners.deadlines[0] < before + SECONDS
    assert runners.deadlines[0] < after - 0.1 + SECONDS


@pytest.mark.parametrize(("is_gone", "is_same"), [(False, True), (True, False)])
async def test_a_lost_answer_is_looked_up_and_a_record_that_is_gone_ends_the_lease(
    is_gone: bool, is_same: bool
) -> None:
    """Our own renewal is recognised; where the record is gone, runners die and a new name is taken."""
    bucket, runners = MemoryBucket(), FakeRunners()
    leases = keeping(bucket, runners)
    await leases.renew()
    owner = leases.lease.owner
    bucket.lose_next_answer = True
    with pytest.raises(Unconfirmed):
        await leases.renew()
    if is_gone:
        bucket.records.clear()
    running = asyncio.create_task(leases.run())
    await until(lambda: leases.lease.is_held and leases.lease.revision > 2)
    running.cancel()
    assert (leases.lease.owner == owner) == is_same
    assert runners.killed == (0 if is_same else 1)
