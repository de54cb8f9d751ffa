"""Turns: the most urgent first, as urgent as it is now; one post at a time in a channel."""

import asyncio

from opsloop_notifier.budget import Limits, Rate
from opsloop_notifier.lanes import Lane, Lanes
from opsloop_notifier.view import Urgency
from waiting import until


async def test_the_most_urgent_goes_first_as_urgent_as_it_is_now() -> None:
    """What became final while it waited overtakes what was asked for earlier."""
    lane = Lane(Rate(per_second=100, burst=1), at_once=1)
    urgency = {"a": Urgency.MILESTONE, "b": Urgency.PROGRESS, "c": Urgency.FIRST_POST}
    order: list[str] = []

    async def go(name: str) -> None:
        async with lane.turn(lambda: urgency[name]):
            order.append(name)

    async with lane.turn(lambda: Urgency.FINAL):
        jobs = [asyncio.create_task(go(name)) for name in urgency]
        await asyncio.sleep(0)
        urgency["b"] = Urgency.FINAL
    await asyncio.gather(*jobs)
    assert order == ["b", "c", "a"]


async def test_one_post_at_a_time_in_a_channel_and_channels_side_by_side() -> None:
    """A slow post holds up its own channel alone."""
    lanes = Lanes(Limits())
    slow, inside = asyncio.Event(), []

    async def post(channel: str, name: str) -> None:
        async with lanes.post(channel, lambda: Urgency.FIRST_POST):
            inside.append(name)
            if name == "slow":
                await slow.wait()

    jobs = [asyncio.create_task(post(*one)) for one in (("C1", "slow"), ("C1", "next"), ("C2", "other"))]
    await until(lambda: "other" in inside)
    assert inside == ["slow", "other"]
    slow.set()
    await asyncio.gather(*jobs)
    assert inside == ["slow", "other", "next"]


async def test_a_pause_holds_its_lane_alone() -> None:
    """A 429 of one channel does not stop another, and ends."""
    lanes = Lanes(Limits())
    lanes.channel("C1").pause(0.05)
    order: list[str] = []

    async def post(channel: str) -> None:
        async with lanes.post(channel, lambda: Urgency.FINAL):
            order.append(channel)

    await asyncio.gather(post("C1"), post("C2"))
    assert order == ["C2", "C1"]


async def test_whoever_gives_up_waiting_leaves_no_gap() -> None:
    """A cancelled waiter takes no turn from others."""
    lane = Lane(Rate(per_second=100, burst=10), at_once=1)
    reached = asyncio.Event()

    async def wait() -> None:
        async with lane.turn(lambda: Urgency.FINAL):
            reached.set()

    async with lane.turn(lambda: Urgency.FINAL):
        gone, there = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        gone.cancel()
    await there
    assert reached.is_set()
