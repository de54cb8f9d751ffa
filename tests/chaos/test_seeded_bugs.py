"""The checker against a broken product: each of seven bugs, in the real system, is told by the invariant it breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from broker import NatsServer
from chaos.stage import Stage
from installation import ALICE, BOB, OPS

SETTLED_SECONDS = 6.0


async def run_steady(stage: Stage) -> None:
    await stage.sandbox.command(ALICE, OPS, "run steady t59", repeat=2)


async def retry_twice(stage: Stage) -> None:
    """Two people ask for another attempt at once."""
    await stage.sandbox.command(BOB, OPS, "run failing t01")
    failed = await stage.see("failing", "❌")
    await asyncio.gather(*(stage.sandbox.click(user, OPS, failed.ts, "task.retry") for user in (ALICE, BOB)))


async def run_locked(stage: Stage) -> None:
    await stage.sandbox.command(BOB, OPS, "run locked t01")


async def die_owing(stage: Stage) -> None:
    """The notifier is killed while it has events in hand; another begins, in which nothing is wrong."""
    await stage.sandbox.command(ALICE, OPS, "status t01")

    async def taken() -> bool:
        assert stage.bus is not None
        durable = [one.name for one in await stage.bus.client.jetstream().consumers_info("EVT")]
        infos = [
            await stage.bus.client.jetstream().consumer_info("EVT", name) for name in durable if "notifier" in name
        ]
        return any(info.ack_floor is not None and info.ack_floor.stream_seq > 0 for info in infos)

    await stage.until(taken, "an acknowledgement")
    await stage.end("notifier")
    await stage.start_one("notifier")


BUGS: dict[str, tuple[str, str, Callable[[Stage], Awaitable[None]]]] = {
    "dropped_message": ("ingress", "I1", run_steady),
    "double_post": ("notifier", "I2", run_steady),
    "late_overwrite": ("notifier", "I2", run_steady),
    "lost_final": ("notifier", "I2", run_steady),
    "early_ack": ("notifier", "I1", die_owing),
    "skipped_compare_and_swap": ("orchestrator", "I1", retry_twice),
    "skipped_authorization": ("orchestrator", "I5", run_locked),
}


@pytest.mark.parametrize("bug", BUGS)
async def test_a_bug_in_the_product_is_told(bug: str, tmp_path: Path, nats_server: NatsServer) -> None:
    """In the scene that makes it bite, and for as long as the product could have mended it."""
    service, invariant, scene = BUGS[bug]
    async with Stage(tmp_path, nats_server) as stage:
        stage.is_checked = False
        await stage.end(service)
        await stage.start_one(service, OPSLOOP_TEST_PATCHES=bug)
        await stage.ready(service)
        await scene(stage)
        found = await stage.broken_invariants(SETTLED_SECONDS)
        assert any(line.startswith(invariant) for line in found), found


async def test_the_same_without_a_bug_breaks_nothing(tmp_path: Path, nats_server: NatsServer) -> None:
    """So what the checker told was the bug."""
    async with Stage(tmp_path, nats_server) as stage:
        for scene in (run_steady, retry_twice, run_locked, die_owing):
            await scene(stage)
