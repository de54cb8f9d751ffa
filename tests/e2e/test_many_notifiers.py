"""Five notifiers: one joins, one dies and one is frozen while tasks come in; and one is frozen just as it sends."""

import asyncio
import signal

from installation import ALICE, OPS, Installation
from opsloop_common import codec
from opsloop_common.subjects import partition_of
from opsloop_notifier.ledger import Record
from opsloop_notifier.territory import Epoch

CHANNELS = (OPS, "C0RANDOM")
FIRST = ("notifier", "notifier-2", "notifier-3", "notifier-4")


async def owners(packs: Installation) -> set[str]:
    """The members that own something."""
    assert packs.bus is not None
    found = await packs.bus.newest_of_each("KV_LEDGER", "$KV.LEDGER.epoch.*")
    return {codec.decode(one.data, Epoch).owner for one in found} - {""}


def member_of(packs: Installation, name: str) -> str:
    """The membership of a process, as its log tells it; empty while it owns nothing."""
    _, said, rest = packs.log_of(name).partition("is owned by ")
    return rest.split(" ")[0] if said else ""


async def ask(packs: Installation, *numbers: int) -> None:
    for number in numbers:
        await packs.sandbox.command(ALICE, CHANNELS[number % 2], f"run asking naples days={number}")


async def test_five_under_load_while_one_joins_one_dies_and_one_freezes(packs: Installation) -> None:
    """Every task is shown to its end, once, whoever shows it."""
    for name in FIRST[1:]:
        await packs.start_one(name)
    await packs.ready(*FIRST)
    await ask(packs, 1, 2)
    before = await owners(packs)
    await packs.start_one("notifier-5")
    await ask(packs, 3, 4)

    async def joined() -> bool:
        return bool(await owners(packs) - before)

    await packs.until(joined, "the fifth to own something, or another to have taken over", 20)
    await packs.end("notifier-2")
    await ask(packs, 5, 6)
    await packs.until(lambda: _owns_nothing(packs, "notifier-2"), "the partitions of the dead to be taken", 15)
    packs.send("notifier-3", signal.SIGSTOP)
    await ask(packs, 7, 8)
    await packs.until(lambda: _owns_nothing(packs, "notifier-3"), "the partitions of the frozen to be taken", 15)
    packs.send("notifier-3", signal.SIGCONT)
    await ask(packs, 9, 10)
    for number in range(1, 11):
        await packs.see("asking for naples", "✅", f"– {number} 3 ", channel=CHANNELS[number % 2], seconds=60)


async def _owns_nothing(packs: Installation, name: str) -> bool:
    member = member_of(packs, name)
    return not member or member not in await owners(packs)


async def test_an_owner_frozen_as_it_sends_posts_nothing_twice(packs: Installation) -> None:
    """SIGSTOP as soon as the ledger says `sending`: whether the call had left or not, the message is there once."""
    await packs.start_one("notifier-2")
    await packs.ready("notifier-2")
    names = ("notifier", "notifier-2")

    async def divided() -> bool:
        return len(await owners(packs)) == 2

    await packs.until(divided, "partitions divided among two", 20)
    sending = asyncio.create_task(_first_sending(packs))
    # The subscription is there before the request is.
    assert packs.bus is not None
    await packs.bus.client.flush()
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    key = await asyncio.wait_for(sending, 10)
    partition = partition_of(key)
    stored = await packs.bus.last("KV_LEDGER", f"$KV.LEDGER.epoch.{partition:02}")
    assert stored is not None
    frozen = next(name for name in names if codec.decode(stored.data, Epoch).owner in packs.log_of(name))
    await packs.until(lambda: _owns_nothing(packs, frozen), "the other notifier to take over", 15)
    done = await packs.see("reporting for naples", "✅", seconds=30)
    packs.send(frozen, signal.SIGCONT)
    await packs.see_reply(done.ts, "✅ Completed successfully.", seconds=20)
    await packs.sandbox.command(ALICE, OPS, "run reporting tampa")
    await packs.see("reporting for tampa", "✅", seconds=30)


async def _first_sending(packs: Installation) -> str:
    """Stops both notifiers the moment a message is about to be sent, lets the innocent one go on; the ledger's key."""
    assert packs.bus is not None
    async for seen in packs.bus.watch("$KV.LEDGER.*.*"):
        key = seen.subject.removeprefix("$KV.LEDGER.")
        if key.startswith("epoch.") or codec.decode(seen.data, Record).state != "sending":
            continue
        for name in ("notifier", "notifier-2"):
            packs.send(name, signal.SIGSTOP)
        stored = await packs.bus.last("KV_LEDGER", f"$KV.LEDGER.epoch.{partition_of(key):02}")
        assert stored is not None
        for name in ("notifier", "notifier-2"):
            if codec.decode(stored.data, Epoch).owner not in packs.log_of(name):
                packs.send(name, signal.SIGCONT)
        return key
    raise AssertionError("nothing was sent")
