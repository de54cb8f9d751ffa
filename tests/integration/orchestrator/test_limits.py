"""Time limits and tries: they stand in the state, and hold whichever process looks at it, and whatever died between."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from broker import NatsServer
from integration.orchestrator.loop import Loop, eventually
from integration.orchestrator.replicas import Replicas, replicas_at
from opsloop_common.bus import Bus
from opsloop_common.commands import RetryTask
from opsloop_common.events import TaskState

TASKS = """
[tasks.flaky]
title = "Flaky"
effect = "idempotent"
run_by = ["*"]
retry = { attempts = 3, first_seconds = 1.5, factor = 2 }
settings = { works_at = 3, code = "site_away" }
[tasks.hopeless]
title = "Hopeless"
effect = "idempotent"
run_by = ["*"]
retry = { first_seconds = 0.1, not_for = ["no_such_page"] }
settings = { works_at = 9, code = "no_such_page" }
[tasks.capped]
title = "Capped"
effect = "idempotent"
run_by = ["*"]
total_seconds = 3
retry = { attempts = 20, first_seconds = 0.5, factor = 1 }
settings = { works_at = 99, code = "site_away" }
[tasks.mute]
title = "Mute"
effect = "idempotent"
run_by = ["*"]
stalled_after_seconds = 0.3
settings = { silent_seconds = 2 }
[tasks.mute_stopped]
title = "Mute, stopped"
effect = "idempotent"
run_by = ["*"]
heartbeat_seconds = 0.5
settings = { silent_seconds = 60 }
[tasks.mute_once]
title = "Mute, once"
run_by = ["*"]
heartbeat_seconds = 0.5
settings = { silent_seconds = 60 }
[tasks.mute_overdue]
title = "Mute, overdue"
effect = "idempotent"
run_by = ["*"]
timeout_seconds = 10
settings = { silent_seconds = 60 }
[tasks.mute_total]
title = "Mute, in all"
effect = "idempotent"
run_by = ["*"]
total_seconds = 2
settings = { silent_seconds = 60 }
[tasks.patient]
title = "Patient"
effect = "idempotent"
run_by = ["*"]
[tasks.impatient]
title = "Impatient"
effect = "idempotent"
run_by = ["*"]
start_within_seconds = 3
[tasks.hasty]
title = "Hasty"
effect = "idempotent"
run_by = ["*"]
start_within_seconds = 1
"""


@pytest.fixture
async def replicas(tmp_path: Path, nats_server: NatsServer, bus: Bus) -> AsyncIterator[Replicas]:
    async with replicas_at(tmp_path, nats_server, bus) as running:
        yield running


async def at_work(replicas: Replicas) -> None:
    """Returns once tasks are run: the time of the next one counts from its request."""
    await replicas.loop.settled(await replicas.loop.run("hopeless", "tampa"))


async def ends(loop: Loop, id: str) -> Counter[str]:
    return Counter(name for name, _ in await loop.events(id))


async def test_a_failure_is_tried_again_by_itself_once_each_time_by_whichever_replica(replicas: Replicas) -> None:
    """Two replicas look after it: every try is queued once, says its number, and the pauses are kept."""
    await replicas.start("first", tasks=TASKS)
    await replicas.start("second", tasks=TASKS)
    id = await replicas.loop.run("flaky")
    state, _ = await replicas.loop.settled(id)
    assert (state.status, state.attempt, state.tries) == ("succeeded", 3, 3)
    found = await ends(replicas.loop, id)
    assert (found["queued"], found["started"], found["failed"], found["succeeded"]) == (3, 3, 2, 1)
    failures = [task for name, task in await replicas.loop.events(id) if name == "failed"]
    queued = [task for name, task in await replicas.loop.events(id) if name == "queued"][1:]
    for failure, again, pause_seconds in zip(failures, queued, (1.5, 3), strict=True):
        assert failure.ended_at is not None
        assert failure.retry_at is not None
        assert again.queued_at is not None
        assert failure.retry_at - failure.ended_at == pytest.approx(
            timedelta(seconds=pause_seconds), abs=timedelta(0.1)
        )
        assert timedelta(0) <= again.queued_at - failure.retry_at < timedelta(seconds=3)
    assert replicas.marked.splitlines() == [f"{id} 1", f"{id} 2", f"{id} 3"]


async def test_a_pause_survives_the_death_of_every_orchestrator_and_of_the_broker(replicas: Replicas) -> None:
    """Everything is killed while the pause runs; what comes up tries again when it is time."""
    await replicas.start("first", tasks=TASKS)
    id = await replicas.loop.run("flaky")
    state, _ = await replicas.loop.status(id, "failed")
    assert state.retry_at is not None
    await replicas.end("first")
    replicas.nats.kill()
    replicas.nats.start()
    await replicas.start("second", tasks=TASKS)
    state, _ = await replicas.loop.settled(id)
    assert (state.status, state.attempt) == ("succeeded", 3)
    assert (await ends(replicas.loop, id))["queued"] == 3


async def test_a_person_may_retry_before_the_pause_is_over_or_stop_it(replicas: Replicas) -> None:
    """Retry is the next attempt at once; Cancel leaves the failure as it is, for good."""
    await replicas.start("first", tasks=TASKS)
    id = await replicas.loop.run("flaky")
    _, sequence = await replicas.loop.status(id, "failed")
    await replicas.loop.ask(RetryTask(task_id=id, drawn_at=sequence, **replicas.loop.common()))  # type: ignore[arg-type]

    async def second() -> tuple[TaskState, int] | None:
        state, at = await replicas.loop.task(id)
        return (state, at) if (state.status, state.attempt) == ("failed", 2) else None

    state, sequence = await eventually(second)
    assert (state.tries, bool(state.retry_at)) == (1, True)
    await replicas.loop.cancel(id, sequence)
    state, _ = await replicas.loop.settled(id)
    assert (state.status, state.attempt, bool(state.cancelled_by)) == ("failed", 2, True)
    other = await replicas.loop.run("hopeless", "tampa")
    await replicas.loop.settled(other)
    assert (await replicas.loop.task(id))[0].attempt == 2
    assert (await ends(replicas.loop, id))["given_up"] == 1


async def test_what_the_catalogue_excludes_is_not_tried_again(replicas: Replicas) -> None:
    """Its code is listed: one attempt, and it is settled."""
    await replicas.start("first", tasks=TASKS)
    state, _ = await replicas.loop.ended(await replicas.loop.run("hopeless"))
    assert (state.status, state.attempt, state.is_settled) == ("failed", 1, True)


async def test_the_time_for_all_tries_ends_them(replicas: Replicas) -> None:
    """Three seconds hold some tries of half a second each, and not twenty."""
    await replicas.start("first", tasks=TASKS)
    await at_work(replicas)
    state, _ = await replicas.loop.settled(await replicas.loop.run("capped"))
    assert state.status == "failed"
    assert 2 <= state.attempt < 10
    assert state.ended_at is not None
    assert state.ended_at - state.requested_at < timedelta(seconds=6)


@pytest.mark.parametrize(
    ("task", "status", "code"),
    [
        ("mute_stopped", "failed", "heartbeat"),
        ("mute_once", "unknown", "heartbeat"),
        ("mute_total", "failed", "total_timeout"),
    ],
)
async def test_a_task_without_a_sign_of_life_or_out_of_time_is_stopped(
    replicas: Replicas, task: str, status: str, code: str
) -> None:
    """What may have taken an effect nobody can repeat ends as unknown, anything else as failed."""
    await replicas.start("first", tasks=TASKS)
    await at_work(replicas)
    state, _ = await replicas.loop.ended(await replicas.loop.run(task))
    assert state.failure is not None
    assert (state.status, state.failure.code) == (status, code)
    assert state.started_at is not None
    assert state.ended_at is not None
    assert state.ended_at - state.started_at < timedelta(seconds=5)
    after, _ = await replicas.loop.status(await replicas.loop.run("patient"), "running")
    assert after.status == "running"


async def test_an_attempt_s_time_goes_on_while_nobody_runs_it(replicas: Replicas) -> None:
    """Its orchestrator dies; who takes it up stops it when the time of the attempt is over, not later."""
    await replicas.start("first", tasks=TASKS)
    id = await replicas.loop.run("mute_overdue")
    await replicas.loop.status(id, "running")
    await replicas.end("first")
    await replicas.start("second", tasks=TASKS)
    state, _ = await replicas.loop.ended(id)
    assert state.failure is not None
    assert (state.failure.code, state.fence) == ("timeout", 2)
    assert state.started_at is not None
    assert state.ended_at is not None
    assert timedelta(seconds=10) <= state.ended_at - state.started_at < timedelta(seconds=13)


async def test_a_task_that_waits_too_long_ends_even_if_everything_was_down_meanwhile(replicas: Replicas) -> None:
    """Its target was held by another task, then no orchestrator was there: it does not start, and says so."""
    await replicas.start("first", tasks=TASKS)
    holder = await replicas.loop.run("patient")
    await replicas.loop.status(holder, "running")
    id = await replicas.loop.run("impatient")
    queued, _ = await replicas.loop.status(id, "queued")
    await replicas.end("first")
    assert queued.queued_at is not None
    await asyncio.sleep(3)  # the time is to pass while nobody is there
    await replicas.start("second", tasks=TASKS)
    state, _ = await replicas.loop.ended(id)
    assert state.failure is not None
    assert (state.status, state.failure.code, state.started_at) == ("failed", "start_timeout", None)
    assert "patient was still ahead of it" in state.failure.sentence


async def test_a_task_that_waits_too_long_ends_within_a_second_of_its_limit(replicas: Replicas) -> None:
    """The one that holds the target goes on."""
    await replicas.start("first", tasks=TASKS)
    holder = await replicas.loop.run("patient")
    await replicas.loop.status(holder, "running")
    state, _ = await replicas.loop.ended(await replicas.loop.run("hasty"))
    assert state.queued_at is not None
    assert state.ended_at is not None
    assert timedelta(seconds=1) <= state.ended_at - state.queued_at < timedelta(seconds=4)
    assert (await replicas.loop.task(holder))[0].status == "running"


async def test_silence_is_told_while_it_lasts_and_cleared_by_the_next_sign_of_life(replicas: Replicas) -> None:
    """Two seconds of silence are few events: each when it has doubled."""
    await replicas.start("first", tasks=TASKS)
    id = await replicas.loop.run("mute")
    state, _ = await replicas.loop.ended(id)
    assert (state.status, state.silent_since) == ("succeeded", None)
    events = await replicas.loop.events(id)
    told = [task.silent_seconds for name, task in events if name == "stalled"]
    assert told == [0.3, 0.6, 1.2]
    after = [task for name, task in events if name == "progressed"][-1]
    assert after.silent_since is None
    since = [task.silent_since for name, task in events if name == "stalled"]
    assert None not in since
    assert max(since) - min(since) < timedelta(seconds=0.5)  # type: ignore[type-var,operator]


async def test_a_frozen_process_does_not_take_its_own_sleep_for_the_task_s_silence(replicas: Replicas) -> None:
    """It is frozen for longer than the heartbeat allows, within its lease: the task's signs wait in the pipe."""
    tasks = TASKS.replace("heartbeat_seconds = 0.5", "heartbeat_seconds = 2") + STEADY
    await replicas.start("first", tasks=tasks, pause_seconds=0.5, lease_seconds=8)
    id = await replicas.loop.run("steady")
    await replicas.loop.status(id, "running")
    replicas.send("first", signal.SIGSTOP)
    await asyncio.sleep(2.5)  # for longer than the heartbeat
    replicas.send("first", signal.SIGCONT)
    state, _ = await replicas.loop.ended(id)
    assert (state.status, state.fence) == ("succeeded", 1)


STEADY = """
[tasks.steady]
title = "Steady"
effect = "idempotent"
run_by = ["*"]
heartbeat_seconds = 2
"""
