"""A metrics process, what it shows, and the events it counts."""

import asyncio
import contextlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.error import URLError

from broker import free_port
from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.events import Status, TaskState
from opsloop_common.measures import Measure, MetricQuery
from opsloop_common.people import Conversation, Person
from opsloop_common.service import NO_RESPONDERS, Unanswered, request
from opsloop_common.subjects import Subjects
from waiting import until

ID = "07-aaaaaaaaaaaaaaaaaaaa"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@contextlib.asynccontextmanager
async def metrics_process(nats_url: str, subjects: Subjects, bus: Bus, **changes: str) -> AsyncIterator[str]:
    """A metrics process that answers questions; the address of its probe."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS_")}
    environment = {**kept, "NATS_URL": nats_url, "METRICS_PORT": str(port), **changes}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "opsloop_metrics", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await until(lambda: status_of(f"{url}/readyz") == 200)
        await _until_it_answers(bus, subjects)
        yield url
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 5) == 0


async def _until_it_answers(bus: Bus, subjects: Subjects) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                await request(bus, subjects.metric("value"), MetricQuery(metric="", target="a"), Measure, 2)
            except Unanswered as error:
                if error.code != NO_RESPONDERS:
                    return
            await asyncio.sleep(0.02)


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
