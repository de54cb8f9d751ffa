"""What runs is kept running: real processes, and a store that says whether it can be written."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from opsloop_cli import keeper
from opsloop_cli.keeper import Deaths, Keeper
from opsloop_cli.plan import Program
from opsloop_cli.processes import Supervisor
from opsloop_common.runtime import CannotStart
from waiting import until

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")


class Kept:
    """A supervisor whose children are kept, and what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.supervisor = Supervisor(folder)
        self.told: list[str] = []
        self.running = asyncio.create_task(Keeper(self.supervisor, self.told.append).run())

    @property
    def pids(self) -> dict[str, int]:
        return {child.name: child.pid for child in self.supervisor.children if child.exit_code is None}


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    found = Kept(tmp_path)
    yield found
    found.running.cancel()
    await asyncio.gather(found.running, return_exceptions=True)
    await found.supervisor.stop()


class Store:
    """A program whose store can be written while `writable`, and how often that was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writable = False
        self.looks = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        self.looks += 1
        broken = b'503 \r\n\r\n{"status":"unavailable","error":"JetStream stream EVT write error: no space left"}'
        writer.write(b"HTTP/1.0 " + (b'200 \r\n\r\n{"status":"ok"}' if self.writable else broken))
        await writer.drain()
        writer.close()

    def program(self, port: int) -> Program:
        url = f"http://127.0.0.1:{port}"
        return Program(name="nats", argv=SLEEPER, env={}, monitor_url=url, store=self.folder)


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Store, Program]]:
    monkeypatch.setattr(keeper, "STORE_LOOK_SECONDS", 0.05)
    found = Store(tmp_path)
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    yield found, found.program(server.sockets[0].getsockname()[1])
    server.close()


def has_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free_bytes))


async def test_what_dies_is_started_again(kept: Kept) -> None:
    """kill -9 of one: it alone has a new process, and the terminal says what happened."""
    for name in ("ingress", "notifier"):
        kept.supervisor.start(Program(name=name, argv=SLEEPER, env={}))
    before = kept.pids
    os.kill(before["notifier"], signal.SIGKILL)
    await until(lambda: len(kept.pids) == 2 and kept.pids["notifier"] != before["notifier"], 5)
    assert kept.pids["ingress"] == before["ingress"]
    assert len(kept.told) == 1
    assert "notifier was killed by SIGKILL; it is started again" in kept.told[0]


async def test_what_is_stopped_on_purpose_stays_so(kept: Kept) -> None:
    """Whoever looks at how the others cope wants it dead."""
    kept.supervisor.start(Program(name="notifier", argv=SLEEPER, env={}))
    kept.supervisor.start(Program(name="metrics", argv=SLEEPER, env={}))
    child = kept.supervisor.children[0]
    kept.supervisor.expect_end(child)
    child.kill()
    os.kill(kept.pids["metrics"], signal.SIGKILL)
    await until(lambda: "metrics" in kept.pids, 5)
    assert "notifier" not in kept.pids


async def test_what_dies_again_and_again_stops_everything(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last words are told: nobody has to look for them among five."""
    monkeypatch.setattr(keeper, "PAUSE_SECONDS", 0)
    kept.supervisor.start(Program(name="metrics", argv=(sys.executable, "-c", "print('why'); exit(3)"), env={}))
    with pytest.raises(CannotStart, match=r"again and again metrics ended with exit code 3(.|\n)*why"):
        await asyncio.wait_for(kept.running, 20)
    assert len(kept.told) == keeper.DEATHS_AT_MOST - 1


async def test_a_broker_that_gave_its_store_up_is_started_again(
    store: tuple[Store, Program], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only once there is room, the lack of which is told once."""
    has_free(monkeypatch, 4096)
    kept.supervisor.start(store[1])
    before = kept.pids["nats"]
    await until(lambda: store[0].looks > 4)
    assert [line.partition(":")[0] for line in kept.told] == [f"the disk under {store[0].folder} is full"]
    assert kept.pids["nats"] == before
    has_free(monkeypatch, keeper.ROOM_BYTES)
    await until(lambda: kept.pids.get("nats", before) != before)
    assert kept.told[1] == "nats is started again: JetStream stream EVT write error: no space left"


async def test_a_broker_that_can_write_is_left_alone(store: tuple[Store, Program], kept: Kept) -> None:
    """As is one that did not answer: it may be starting, or frozen."""
    store[0].writable = True
    kept.supervisor.start(store[1])
    kept.supervisor.start(Program(name="metrics", argv=SLEEPER, env={}, monitor_url="http://127.0.0.1:9"))
    before = kept.pids
    await until(lambda: store[0].looks > 4)
    assert (kept.pids, kept.told) == (before, [])


def test_deaths_are_counted_within_a_minute() -> None:
    """The first pause is none, each one is longer, the fifth death is the last; an hour apart, none matters."""
    deaths = Deaths()
    assert [deaths.pause_seconds("a", float(second)) for second in range(5)] == [0.0, 1.0, 2.0, 3.0, None]
    assert [deaths.pause_seconds("b", second * 3600.0) for second in range(9)] == [0.0] * 9
    assert deaths.pause_seconds("c", 0.0) == 0.0
