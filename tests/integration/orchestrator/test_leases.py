"""Losing the lease: what ran is dead before anybody else may take it up, and whoever wakes up later does nothing."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker import NatsServer
from integration.orchestrator.loop import eventually
from integration.orchestrator.replicas import Replicas, replicas_at
from opsloop_common.bus import Bus
from opsloop_common.events import TaskState

FOR_EVER_MS = 30_000


@pytest.fixture
async def replicas(tmp_path: Path, nats_server: NatsServer, bus: Bus) -> AsyncIterator[Replicas]:
    async with replicas_at(tmp_path, nats_server, bus) as running:
        yield running


async def test_a_frozen_orchestrator_s_runner_dies_and_it_does_nothing_when_it_wakes(replicas: Replicas) -> None:
    """Its effect is cut off before another replica begins; awake again it writes nothing and has a new name."""
    await replicas.start("first", work_ms=FOR_EVER_MS)
    id = await replicas.loop.run("plain")
    await eventually(lambda: logged(replicas, id, "Step 1: Effect"))
    frozen, _ = await replicas.loop.task(id)
    await replicas.start("second")
    replicas.send("first", signal.SIGSTOP)
    state, sequence = await replicas.loop.ended(id)
    assert (state.status, state.fence) == ("succeeded", 2)
    lost, done = await replicas.effects(at_least=2)
    assert (lost.fence, lost.effect, done.fence, done.effect) == (1, False, 2, True)
    assert lost.ended_at <= done.began_at

    replicas.send("first", signal.SIGCONT)
    await eventually(lambda: told(replicas, "first", "has lapsed"))
    assert await replicas.end("second", signal.SIGTERM) == 0
    other = await replicas.loop.run("keyed", "tampa")
    again, _ = await replicas.loop.status(other, "running")
    assert again.owner not in ("", frozen.owner)
    assert (await replicas.loop.task(id))[1] == sequence
    assert all(task.owner != frozen.owner for _, task in await replicas.loop.events(id) if task.fence > 1)
    assert len(await replicas.effects()) == 2


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_handler_that_holds_the_interpreter_and_its_child_end_with_the_lease(
    replicas: Replicas, how: signal.Signals
) -> None:
    """Whether their orchestrator is frozen or dead, nothing of the old claim lives when the next one begins."""
    await replicas.start("first")
    id = await replicas.loop.run("parental")
    await eventually(lambda: noted(replicas, "child 1"))
    await replicas.start("second")
    replicas.send("first", how)
    await eventually(lambda: claimed(replicas, id, fence=2))
    lines = replicas.marked.count("child 1\n")
    await eventually(lambda: noted(replicas, "child 2"))
    assert replicas.marked.count("child 1\n") == lines


async def test_a_handler_that_holds_the_interpreter_is_stopped_by_its_timeout_with_its_child(
    replicas: Replicas,
) -> None:
    """The next task of the target runs, and the child of the one before is silent."""
    await replicas.start("first", timeout_seconds=4)
    state, _ = await replicas.loop.ended(await replicas.loop.run("parental"))
    assert state.failure is not None
    assert state.failure.code == "timeout"
    lines = replicas.marked.count("child 1\n")
    assert (await replicas.loop.ended(await replicas.loop.run("plain")))[0].status == "succeeded"
    assert replicas.marked.count("child 1\n") == lines > 0


async def test_what_may_happen_once_is_not_tried_again(replicas: Replicas) -> None:
    """The process is killed in the middle of the effect: the task ends as unknown, and nobody touches it again."""
    await replicas.start("first", work_ms=FOR_EVER_MS)
    id = await replicas.loop.run("effect_once")
    await eventually(lambda: logged(replicas, id, "Step 1: Effect"))
    await replicas.start("second")
    await replicas.end("first")
    state, _ = await replicas.loop.ended(id)
    assert state.status == "unknown"
    (lost,) = await replicas.effects()
    assert not lost.effect


async def test_a_stop_hands_running_tasks_over_at_once(replicas: Replicas) -> None:
    """Another replica goes on long before the lease would have ended, and no lost process is counted."""
    await replicas.start("first", work_ms=FOR_EVER_MS, lease_seconds=30)
    id = await replicas.loop.run("plain")
    await eventually(lambda: logged(replicas, id, "Step 1: Effect"))
    await replicas.start("second")
    await eventually(lambda: living(replicas, 2))
    began = time.monotonic()
    assert await replicas.end("first", signal.SIGTERM) == 0
    state, _ = await replicas.loop.ended(id)
    assert time.monotonic() - began < 15
    assert (state.status, state.fence, state.claims) == ("succeeded", 2, 1)
    assert [name for name, _ in await replicas.loop.events(id)].count("queued") == 2
    await eventually(lambda: living(replicas, 1))


@pytest.mark.parametrize(("work_ms", "status"), [(1500, "succeeded"), (FOR_EVER_MS, "unknown")])
async def test_a_stop_lets_what_cannot_be_repeated_end(replicas: Replicas, work_ms: int, status: str) -> None:
    """A few seconds are given; a task that needs longer ends as unknown, and the stop within ten seconds."""
    await replicas.start("first", work_ms=work_ms)
    id = await replicas.loop.run("effect_once")
    await eventually(lambda: logged(replicas, id, "Step 1: Effect"))
    began = time.monotonic()
    assert await replicas.end("first", signal.SIGTERM) == 0
    assert time.monotonic() - began < 10
    state, _ = await replicas.loop.task(id)
    assert state.status == status
    assert [one.effect for one in await replicas.effects()] == [status == "succeeded"]


async def test_a_broker_that_restarts_costs_no_running_task(replicas: Replicas) -> None:
    """It is away for a second and a half; the task goes on under its claim."""
    await replicas.start("first", pause_seconds=1, lease_seconds=4)
    id = await replicas.loop.run("steady")
    await eventually(lambda: logged(replicas, id, "Step 2: Two"))
    replicas.nats.kill()
    await asyncio.sleep(1.5)
    replicas.nats.start()
    state, _ = await replicas.loop.ended(id)
    assert (state.status, state.fence) == ("succeeded", 1)
    assert [step.name for step in state.steps] == ["One", "Two", "Three", "Four"]


async def test_a_broker_that_stays_away_stops_tasks_which_are_then_resumed(replicas: Replicas) -> None:
    """Nothing runs without a lease; after the broker's return the task goes on after its finished steps."""
    await replicas.start("first", pause_seconds=1)
    id = await replicas.loop.run("steady")
    await eventually(lambda: logged(replicas, id, "Step 2: Two"))
    replicas.nats.kill()
    await eventually(lambda: told(replicas, "first", "has lapsed"))
    replicas.nats.start()
    state, _ = await replicas.loop.ended(id)
    assert (state.status, state.fence) == ("succeeded", 2)
    lines = await replicas.loop.log(id)
    assert lines.count("Step 1: One") == 1
    assert "Step 1: One (done before, its result is reused)" in lines


async def told(replicas: Replicas, name: str, words: str) -> bool | None:
    return words in replicas.log_of(name) or None


async def noted(replicas: Replicas, line: str) -> bool | None:
    return f"{line}\n" in replicas.marked or None


async def logged(replicas: Replicas, id: str, line: str) -> bool | None:
    return line in await replicas.loop.log(id) or None


async def claimed(replicas: Replicas, id: str, fence: int) -> TaskState | None:
    state, _ = await replicas.loop.task(id)
    return state if state.fence == fence else None


async def living(replicas: Replicas, count: int) -> bool | None:
    """Whether so many leases are alive."""
    found = await replicas.loop.bus.newest_of_each("KV_LEASES", "$KV.LEASES.*")
    return len([one for one in found if one.data]) == count or None
