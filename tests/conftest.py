"""What every test may use: a real nats-server with its own store, provisioned streams, a connected bus."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from broker import NatsServer
from opsloop_common.bus import Bus, streams
from opsloop_common.subjects import Subjects


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A process; with OPSLOOP_TEST_CONTAINERS=1 a container."""
    folder = tmp_path / "nats"
    folder.mkdir()
    server = _in_container(folder) if os.environ.get("OPSLOOP_TEST_CONTAINERS") == "1" else NatsServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _in_container(folder: Path) -> NatsServer:
    # Imported here, because nobody else needs an engine's client.
    from broker_container import NatsInContainer

    return NatsInContainer(folder)


@pytest.fixture
def subjects() -> Subjects:
    return Subjects()


@pytest.fixture
async def bus(nats_server: NatsServer, subjects: Subjects) -> AsyncIterator[Bus]:
    """A connection to a broker with every stream in place."""
    deadline = time.monotonic() + 10
    while True:
        try:
            connected = await Bus.connect(nats_server.url, "test")
            await streams.provision(connected, subjects)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
    yield connected
    await connected.close()
