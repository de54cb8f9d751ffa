"""Several notifiers: one shows each conversation, and another takes over whatever becomes of it."""

import asyncio
import signal
import time

from installation import ALICE, OPS, Installation
from opsloop_common import codec
from opsloop_common.people import Conversation
from opsloop_common.subjects import make_id, partition_of
from opsloop_notifier.rendezvous import owned_by
from opsloop_notifier.territory import Epoch

CHANNELS = (OPS, "C0RANDOM")
NAMES = ("notifier", "notifier-2")


async def owner(packs: Installation, channel: str = OPS) -> str:
    """The membership name of whoever owns a channel's partition now; empty when nobody does."""
    assert packs.bus is not None
    partition = partition_of(make_id(Conversation((await packs.sandbox.workspace()).team, channel), "any"))
    stored = await packs.bus.last("KV_LEDGER", f"$KV.LEDGER.epoch.{partition:02}")
    return codec.decode(stored.data, Epoch).owner if stored else ""


async def process_of(packs: Installation, member: str) -> str:
    """Which process a member is: the one whose partitions go when it stops renewing. Told by its log."""
    return next(name for name in NAMES if member in packs.log_of(name))


async def two(packs: Installation) -> tuple[str, str]:
    """Starts a second notifier; (the process that owns #ops, the other one)."""
    await packs.start_one("notifier-2")
    await packs.ready("notifier-2")

    async def both() -> bool:
        assert packs.bus is not None
        found = await packs.bus.newest_of_each("KV_LEDGER", "$KV.LEDGER.epoch.*")
        owners = [codec.decode(one.data, Epoch).owner for one in found]
        # Each has its whole share: what still moves could move after the test has looked.
        return len(set(owners) - {""}) == 2 and all(
            len(owned_by(name, set(owners))) == owners.count(name) for name in set(owners)
        )

    await packs.until(both, "partitions divided among two", 20)
    mine = await process_of(packs, await owner(packs))
    return mine, next(name for name in NAMES if name != mine)


async def test_two_show_everything_once(packs: Installation) -> None:
    """Cards in several channels, threads and private answers, under two notifiers."""
    await two(packs)
    # An equal request would join the first: each channel asks for another task.
    asked = {OPS: "reporting", "C0RANDOM": "first"}
    for channel, task in asked.items():
        for target in ("naples", "tampa"):
            await packs.sandbox.command(ALICE, channel, f"run {task} {target}")
    for channel, task in asked.items():
        for target in ("naples", "tampa"):
            await packs.see(f"{task} for {target}", "✅", channel=channel, seconds=40)


async def test_a_killed_owner_is_replaced_within_five_seconds(packs: Installation) -> None:
    """kill -9 while a task runs: the other one shows the rest in the same thread."""
    mine, _ = await two(packs)
    await packs.sandbox.command(ALICE, OPS, "run patient naples")
    card = await packs.see("patient for naples", "▶️")
    before = await owner(packs)
    await packs.end(mine)
    began = time.monotonic()

    async def taken() -> bool:
        return await owner(packs) not in ("", before)

    await packs.until(taken, "the other notifier to take over", 10)
    took_seconds = time.monotonic() - began
    await packs.sandbox.click(ALICE, OPS, card.ts, "task.cancel")
    done = await packs.see("patient for naples", "🚫")
    assert done.ts == card.ts
    assert took_seconds < 5.0, took_seconds


async def test_an_owner_that_is_told_to_stop_hands_over_at_once(packs: Installation) -> None:
    """SIGTERM: the other one goes on within a second, and nothing is shown twice."""
    mine, _ = await two(packs)
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    await packs.see("reporting for naples", "▶️")
    before = await owner(packs)
    stopping = asyncio.create_task(packs.end(mine, signal.SIGTERM))
    began = time.monotonic()

    async def taken() -> bool:
        return await owner(packs) not in ("", before)

    await packs.until(taken, "the other notifier to take over", 5)
    took_seconds = time.monotonic() - began
    assert await stopping == 0
    done = await packs.see("reporting for naples", "✅", seconds=20)
    await packs.see_reply(done.ts, "✅ Completed successfully.", seconds=20)
    # From the signal on; what is under way at that moment may finish first.
    assert took_seconds < 2.0, took_seconds


async def test_a_frozen_owner_that_wakes_up_sends_nothing(packs: Installation) -> None:
    """Stopped in the middle of a task and continued after another took over: the thread has each reply once."""
    mine, _ = await two(packs)
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    await packs.see("reporting for naples", "▶️")
    before = await owner(packs)
    packs.send(mine, signal.SIGSTOP)

    async def taken() -> bool:
        return await owner(packs) not in ("", before)

    await packs.until(taken, "the other notifier to take over", 10)
    done = await packs.see("reporting for naples", "✅", seconds=20)
    packs.send(mine, signal.SIGCONT)
    await packs.see_reply(done.ts, "✅ Completed successfully.", seconds=20)
    await packs.sandbox.command(ALICE, OPS, "run reporting tampa")
    await packs.see("reporting for tampa", "✅", seconds=30)


async def test_notifiers_are_replaced_one_by_one_under_load(packs: Installation) -> None:
    """A rolling restart while tasks come in: every one is shown to its end, once."""
    await two(packs)
    for number in range(1, 7):
        await packs.sandbox.command(ALICE, CHANNELS[number % 2], f"run asking naples days={number}")
        if number in (2, 4):
            name = NAMES[number // 2 - 1]
            assert await packs.end(name, signal.SIGTERM) == 0
            await packs.start_one(name)
            await packs.ready(name)
    for number in range(1, 7):
        await packs.see("asking for naples", "✅", f"– {number} 3 ", channel=CHANNELS[number % 2], seconds=60)
