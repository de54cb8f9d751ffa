"""The metrics service as a process, against a real broker."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from broker import NatsServer
from integration.metrics.running import ID, append, metrics_process, series, task
from opsloop_common.bus import Bus
from opsloop_common.subjects import Subjects
from opsloop_metrics.handle import recheck
from opsloop_metrics.measure import Running
from waiting import until


@pytest.fixture
async def metrics_url(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> AsyncIterator[str]:
    """A metrics process that is ready."""
    async with metrics_process(nats_server.url, subjects, bus) as url:
        yield url


async def test_a_task_is_counted_from_its_start_to_its_end(metrics_url: str, bus: Bus, subjects: Subjects) -> None:
    """The gauge follows the start, the counter and the histogram the end."""
    running, failed = 'task_running{task="schema_fix"}', 'task_runs_total{outcome="failed",task="schema_fix"}'
    await append(bus, subjects, "started", "running")
    await until(lambda: series(metrics_url).get(running) == 1)
    await append(bus, subjects, "failed", "failed")
    await until(lambda: series(metrics_url).get(failed) == 1)
    found = series(metrics_url)
    assert found[running] == 0
    assert found['task_duration_seconds_count{task="schema_fix"}'] == 1


async def test_a_bad_message_stops_nothing(metrics_url: str, bus: Bus, subjects: Subjects) -> None:
    """What cannot be read goes to the dead letters; the rest is counted."""
    await bus.publish(subjects.event(ID, "failed"), b"{")
    await append(bus, subjects, "failed", "failed")
    await until(lambda: 'task_runs_total{outcome="failed",task="schema_fix"}' in series(metrics_url))
    assert await bus.last(subjects.stream("DLQ"), subjects.dead_letters("metrics")) is not None


async def test_a_task_whose_end_another_replica_saw_stops_counting(bus: Bus, subjects: Subjects) -> None:
    """The gauge asks the broker about what it believes to be running, and keeps what still is."""
    running = Running()
    running.note("started", task("running"))
    await append(bus, subjects, "started", "running")
    checking = asyncio.create_task(recheck(bus, subjects, running, every_seconds=0.01))
    await bus.read(subjects.stream("EVT"), subjects.events_of(ID))
    assert running.count("schema_fix") == 1
    await append(bus, subjects, "failed", "failed")
    await until(lambda: running.count("schema_fix") == 0)
    checking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await checking
