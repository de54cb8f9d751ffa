"""How soon consuming goes on after the broker's return, whatever kept it away."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from broker import NatsServer, free_port
from opsloop_common import service
from opsloop_common.bus import Bus, BusError, Unconfirmed, Unsent, streams
from opsloop_common.bus.consume import Ack, Consumer, Delivery, Outcome
from opsloop_common.subjects import Subjects
from small_disk import SmallDisk
from waiting import until

RESUMED_WITHIN_SECONDS = 10.0
FROZEN_SECONDS = 15.0


class Ping(msgspec.Struct):
    n: int = 1


async def killed(server: NatsServer) -> None:
    server.kill()
    await asyncio.sleep(1)
    server.start()


async def frozen(server: NatsServer) -> None:
    """A connection that is half open for longer than the client believes in it."""
    server.send(signal.SIGSTOP)
    await asyncio.sleep(FROZEN_SECONDS)
    server.send(signal.SIGCONT)


async def frozen_and_killed(server: NatsServer) -> None:
    server.send(signal.SIGSTOP)
    await asyncio.sleep(3)
    server.kill()
    server.start()


@contextlib.asynccontextmanager
async def running(*jobs: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def soon(attempt: Callable[[], Awaitable[object]], began: float) -> float:
    """Seconds from the broker's return until an attempt succeeds."""
    while True:
        with contextlib.suppress(BusError, service.Unanswered):
            await attempt()
            return time.monotonic() - began
        assert time.monotonic() - began < RESUMED_WITHIN_SECONDS
        await asyncio.sleep(0.02)


# The client leaves the stream of an attempt to connect that timed out to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("lost", [killed, frozen, frozen_and_killed], ids=lambda lost: lost.__name__)
async def test_everything_goes_on_after_the_broker_s_return(
    bus: Bus, nats_server: NatsServer, subjects: Subjects, lost: Callable[[NatsServer], Awaitable[None]]
) -> None:
    """Consumers, questions and onlookers, each within ten seconds, without hands."""
    seen: list[bytes] = []
    watched: list[bytes] = []

    async def handler(delivery: Delivery) -> Outcome:
        seen.append(delivery.data)
        return Ack()

    async def look() -> None:
        async for message in bus.watch(subjects.all_commands):
            watched.append(message.data)

    async def answer(ping: Ping) -> Ping:
        return ping

    consumer = Consumer(
        bus, service="test", stream="CMD", durable="orchestrator", subjects=subjects, handler=handler, capacity=4
    )
    endpoints = (service.endpoint("ping", "ops.q.ping", Ping, answer),)
    serving = service.serve(bus, name="ping", version="1.0.0", description="test", endpoints=endpoints)
    async with running(consumer.run(), look(), serving):
        while not (seen and watched):
            await bus.publish(subjects.command("help"), b"before")
            await asyncio.sleep(0.02)
        await lost(nats_server)
        began = time.monotonic()

        async def consumed() -> None:
            await bus.publish(subjects.command("help"), b"after", deadline_seconds=0.5)
            await until(lambda: b"after" in seen and b"after" in watched, RESUMED_WITHIN_SECONDS)

        resumed = await soon(consumed, began)
        asked = await soon(lambda: service.request(bus, "ops.q.ping", Ping(), Ping, 0.5), began)
        print(f"\n{lost.__name__}: consuming after {resumed:.2f} s, answering after {asked:.2f} s")
        assert max(resumed, asked) < RESUMED_WITHIN_SECONDS


async def test_a_publish_to_a_broker_that_is_away_never_leaves(bus: Bus, nats_server: NatsServer) -> None:
    """It is known not to be stored; one to a broker that is frozen is not known."""
    nats_server.send(signal.SIGSTOP)
    with pytest.raises(Unconfirmed) as unknown:
        await bus.publish("ops.cmd.help", b"frozen", deadline_seconds=0.3)
    assert not isinstance(unknown.value, Unsent)
    nats_server.send(signal.SIGCONT)
    await until(lambda: bus.is_connected)
    # Awake, the broker still has to read what was sent to it: killed before, it never had it.
    await bus.publish("ops.cmd.help", b"awake")
    nats_server.kill()
    await until(lambda: not bus.is_connected)
    with pytest.raises(Unsent):
        await bus.publish("ops.cmd.help", b"ghost")
    nats_server.start()
    await until(lambda: bus.is_connected)
    await bus.publish("ops.cmd.help", b"last")
    assert [one.data for one in await bus.read("CMD", "ops.cmd.>")] == [b"frozen", b"awake", b"last"]


async def test_a_consumer_that_is_gone_is_asked_for_with_pauses(
    bus: Bus, subjects: Subjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in a circle without end; made anew, it delivers."""
    seen: list[bytes] = []
    pulls: list[str] = []

    async def handler(delivery: Delivery) -> Outcome:
        seen.append(delivery.data)
        return Ack()

    pull = Consumer._pull

    async def counted(self: Consumer, reply: str, batch: int) -> None:
        pulls.append(reply)
        await pull(self, reply, batch)

    monkeypatch.setattr(Consumer, "_pull", counted)
    consumer = Consumer(
        bus, service="test", stream="CMD", durable="orchestrator", subjects=subjects, handler=handler, capacity=4
    )
    async with running(consumer.run()):
        await until(lambda: bool(pulls))
        await bus.client.jetstream().delete_consumer("CMD", "orchestrator")
        before = len(pulls)
        await asyncio.sleep(2)
        assert len(pulls) - before < 20
        await streams.provision(bus, subjects)
        await bus.publish(subjects.command("help"), b"back")
        await until(lambda: seen == [b"back"])


class CrampedServer:
    """A nats-server whose store lies on a small disk, and that is started again whenever it ends."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._disk = SmallDisk(folder / "disk", 24)
        config = folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{self._disk.folder}", sync_interval: always, max_file_store: 64GB }}\n'
        )
        binary = Path(sys.executable).parent / "nats-server"
        script = f'while :; do "{binary}" -c "{config}" >/dev/null 2>&1; done'
        self.process = subprocess.Popen([*self._disk.within, "/bin/sh", "-c", script])

    def fill(self) -> None:
        self._disk.fill(self.process.pid)

    def free(self) -> None:
        self._disk.free(self.process.pid)

    def restart(self) -> None:
        """kill -9; whoever looks after it starts it again."""
        for pid in self._servers():
            os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        servers = self._servers()
        self.process.kill()
        self.process.wait()
        for pid in servers:
            os.kill(pid, signal.SIGKILL)

    def _servers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path, subjects: Subjects) -> None:
    """Without room nothing is confirmed; once there is some, publishing goes on, and what was confirmed is there."""
    server = CrampedServer(tmp_path)
    try:
        bus = await reached(server.url)
        await streams.provision(bus, subjects)
        await bus.publish("ops.cmd.help", b"0")
        server.fill()
        confirmed, failures = [b"0"], []
        for number in range(1, 200):
            try:
                await bus.publish("ops.cmd.help", str(number).encode() * 200, deadline_seconds=0.5)
                confirmed.append(str(number).encode() * 200)
            except BusError as error:
                failures.append(type(error))
                if len(failures) == 3:
                    break
        assert failures, "the disk did not fill up"
        print(f"\n{len(confirmed)} confirmed, then {failures}")
        server.free()
        # A stream whose disk was full stays shut until nats-server is started again.
        server.restart()
        began = time.monotonic()
        seconds = await soon(lambda: bus.publish("ops.cmd.help", b"last", deadline_seconds=0.5), began)
        print(f"recovered after {seconds:.2f} s")
        stored = [one.data for one in await bus.read("CMD", "ops.cmd.>")]
        assert set(confirmed) <= set(stored)
        await bus.close()
    finally:
        server.end()


async def reached(url: str) -> Bus:
    for _ in range(100):
        try:
            return await Bus.connect(url, "test")
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("no broker")
