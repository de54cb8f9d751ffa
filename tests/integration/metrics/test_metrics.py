"""The metrics service as a process, against a real broker."""

import asyncio
import contextlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.error import URLError

import pytest

from broker import NatsServer, free_port
from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.events import Conversation, Person, ShowHelp, Status, TaskState
from opsloop_common.subjects import Subjects
from opsloop_metrics.handle import recheck
from opsloop_metrics.measure import Running
from waiting import until

ID = "07-aaaaaaaaaaaaaaaaaaaa"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def metrics_url(nats_server: NatsServer, bus: Bus) -> AsyncIterator[str]:
    """A metrics process that is ready."""
    port = free_port()
    environment = {**os.environ, "NATS_URL": nats_server.url, "METRICS_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "opsloop_metrics", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    await until(lambda: status_of(f"{url}/readyz") == 200)
    yield url
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 5) == 0


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own loopback URL
            return int(response.status)
    except (URLError, OSError):
        return 0


def series(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=1) as response:  # noqa: S310 - our own loopback URL
        lines = response.read().decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def task(status: Status) -> TaskState:
    return TaskState(
        id=ID,
        task="schema_fix",
        target="a",
        title="A",
        conversation=Conversation("T", "C"),
        requested_by=Person("T", "U"),
        requested_at=AT,
        status=status,
        started_at=AT,
        ended_at=AT if status == "failed" else None,
    )


async def append(bus: Bus, subjects: Subjects, event: str, status: Status) -> None:
    state = task(status)
    message = codec.envelope(id="e", source="test", type=f"ops.task.{event}.v1", time=AT, subject=ID, data=state)
    await bus.publish(subjects.event(ID, event), codec.encode(message))


async def ask_for_help(bus: Bus, subjects: Subjects) -> None:
    command = ShowHelp(request_id=ID, actor=Person("T", "U"), conversation=Conversation("T", "C"), asked_at=AT)
    message = codec.envelope(id=ID, source="test", type=codec.command_type(command), time=AT, subject=ID, data=command)
    await bus.publish(subjects.command("help"), codec.encode(message))


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


async def test_a_request_stored_twice_is_one_and_a_bad_message_stops_nothing(
    metrics_url: str, bus: Bus, subjects: Subjects
) -> None:
    """What cannot be read goes to the dead letters; the rest is counted, each request once."""
    await bus.publish(subjects.command("help"), b"{")
    await ask_for_help(bus, subjects)
    await ask_for_help(bus, subjects)
    await append(bus, subjects, "failed", "failed")
    await until(lambda: 'task_runs_total{outcome="failed",task="schema_fix"}' in series(metrics_url))
    counted = 'slack_actions_total{outcome="understood",type="help"}'
    await until(lambda: series(metrics_url).get(counted) == 1)
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
