"""Asking a service to stop under load: it says so at once, ends well and in time, and nothing is lost."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from broker import NatsServer
from installation import ALICE, OPS, SERVICES, Installation

CHANNELS = (OPS, "C0RANDOM")
"""Two, because Slack takes one message a second in each."""
TARGETS = ("naples", "tampa", "miami", "ocala")
TASK = 'run_by = ["*"]\nparams = { n = { title = "N", kind = "number", default = "1", minimum = 1, maximum = 999 } }\n'
CATALOGUE = (
    f'[tasks.steady]\ntitle = "Steady"\neffect = "idempotent"\n{TASK}[tasks.first]\ntitle = "Once"\n{TASK}'
) + "".join(f'[targets.{name}]\ntitle = "{name}"\nsettings = {{ pause_seconds = "0.3" }}\n' for name in TARGETS)
"""Two tasks that take 1.2 seconds: `steady` is repeated when it was interrupted, `first` never."""


@pytest.fixture
async def loaded(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Installation]:
    """An installation that has a task of every kind to do."""
    async with Installation(tmp_path, nats_server, catalogue=CATALOGUE) as found:
        yield found


async def last_ready_after(port: int, ended: asyncio.Event) -> float:
    """For how many seconds from now on /readyz still says 200."""
    began_at = last_at = time.monotonic()
    async with aiohttp.ClientSession() as session:
        while not ended.is_set():
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    if response.status == 200:
                        last_at = time.monotonic()
            await asyncio.sleep(0.01)
    return last_at - began_at


class Load:
    """People who ask for one task after another until they are told to stop."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.asked = 0
        self.accepted = 0
        self.is_over = False

    async def run(self) -> None:
        while not self.is_over:
            self.asked += 1
            task = ("steady", "first")[self.asked % 2]
            text = f"run {task} {TARGETS[self.asked % len(TARGETS)]} n={self.asked}"
            channel = CHANNELS[self.asked // 2 % len(CHANNELS)]
            self.accepted += (await self._installation.sandbox.command(ALICE, channel, text)).shown is None
            await asyncio.sleep(0.3)


async def test_whoever_is_asked_to_stop_under_load_loses_nothing(loaded: Installation) -> None:
    """Each service in turn: not ready at once, exit code 0 within ten seconds; every accepted task ends well."""
    load = Load(loaded)
    people = asyncio.create_task(load.run())
    for name in SERVICES:
        before = load.accepted

        async def busy(before: int = before) -> bool:
            return load.accepted >= before + 3

        await loaded.until(busy, "three more tasks")
        ended = asyncio.Event()
        watching = asyncio.create_task(last_ready_after(loaded.ports[name], ended))
        began_at = time.monotonic()
        assert await loaded.end(name, signal.SIGTERM) == 0, loaded.log_of(name)[-2000:]
        assert time.monotonic() - began_at < 10
        ended.set()
        assert await watching < 0.5, f"{name} looked ready"
        assert "Traceback" not in loaded.log_of(name)
        await loaded.start_one(name)
        await loaded.ready(name)
    load.is_over = True
    await people
    assert load.accepted > 12

    async def all_ended() -> bool:
        messages = [one for channel in CHANNELS for one in await loaded.messages(channel=channel)]
        return sum("✅" in message.text for message in messages) == load.accepted

    await loaded.until(all_ended, f"{load.accepted} ends", 60)
    # One message a second and channel is what Slack allows: what the threads are still owed takes its time.
    found = await loaded.broken_invariants(90)
    assert found == [], "\n".join(found)
