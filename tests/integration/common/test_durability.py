"""A broker that may forget what it acknowledged is refused, on a real one."""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import NatsServer, free_port
from opsloop_common.bus import Bus, durability, streams
from opsloop_common.bus.durability import UnsafeBroker
from opsloop_common.subjects import Subjects

FRAME = b'INFO {"server_id":"X","version":"2.11.9","proto":1,"host":"127.0.0.1","port":1,"max_payload":1048576}\r\n'


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[NatsServer]:
    """A broker that syncs as brokers do when nobody says anything."""
    server = NatsServer(tmp_path, sync_interval='"2m"')
    server.start()
    yield server
    server.kill()


async def connected(server: NatsServer) -> Bus:
    for _ in range(100):
        try:
            return await Bus.connect(server.url, "test")
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("no broker")


async def test_a_broker_that_syncs_always_is_taken(nats_server: NatsServer, bus: Bus) -> None:
    """Its monitoring port says so."""
    await durability.check(bus, nats_server.monitor_url, allow_unsynced=False)


async def test_a_broker_that_syncs_now_and_then_is_refused(
    forgetful: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The line names the mend, and the way around it; whoever takes that is warned."""
    bus = await connected(forgetful)
    with pytest.raises(UnsafeBroker, match=r"sync_interval: always.*OPSLOOP_ALLOW_UNSYNCED=1"):
        await durability.check(bus, forgetful.monitor_url, allow_unsynced=False)
    with caplog.at_level(logging.WARNING):
        await durability.check(bus, forgetful.monitor_url, allow_unsynced=True)
    assert "may forget" in caplog.text
    await bus.close()


async def test_without_a_monitoring_port_it_is_said(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody can tell then; a port that does not answer leaves it open."""
    with caplog.at_level(logging.WARNING):
        await durability.check(bus, "", allow_unsynced=False)
    assert "durability not verified" in caplog.text
    with pytest.raises(OSError, match="cannot be verified"):
        await durability.check(bus, f"http://127.0.0.1:{free_port()}", allow_unsynced=False)


async def test_an_old_broker_is_refused() -> None:
    """It has not what the streams need, and says its version itself."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(FRAME)
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        bus = await Bus.connect(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", "test")
        with pytest.raises(UnsafeBroker, match=r"nats-server 2\.11; 2\.12 or newer"):
            await durability.check(bus, "", allow_unsynced=False)
        await bus.close()


async def test_a_service_does_not_start_against_it(forgetful: NatsServer) -> None:
    """It ends with 2 and one line."""
    environment = {
        "PATH": os.environ["PATH"],
        "NATS_URL": forgetful.url,
        "NATS_MONITOR_URL": forgetful.monitor_url,
        "METRICS_PORT": "0",
    }
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "opsloop_metrics", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(started.communicate(), 20)
    assert started.returncode == 2
    assert errors.decode().splitlines()[-1].startswith("opsloop-metrics: the broker may forget what it acknowledged")


STREAM_CHANGES: dict[str, dict[str, object]] = {
    "CMD": {"duplicate_window": 60.0},
    "EVT": {"max_msgs_per_subject": 2},
    "DLQ": {"discard": "old"},
    "LOG": {"max_msgs": 5},
    "KV_TASKS": {"allow_direct": False},
}


@pytest.mark.parametrize("stream", list(STREAM_CHANGES))
async def test_a_stream_that_was_altered_is_told(bus: Bus, subjects: Subjects, stream: str) -> None:
    """With what it is and what it should be; provisioning puts it right."""
    [(key, value)] = STREAM_CHANGES[stream].items()
    js = bus.client.jetstream()
    config = (await js.stream_info(stream)).config
    await js.update_stream(config.evolve(**{key: value}))
    [found] = await streams.differences(bus, subjects)
    assert found.startswith(f"stream {stream}: {key} is ")
    assert ", should be " in found
    assert len(await streams.provision(bus, subjects)) == 1
    assert await streams.differences(bus, subjects) == []


async def test_a_stream_without_its_lives_is_told(bus: Bus, subjects: Subjects) -> None:
    """A bucket whose records are to end by themselves, and do not."""
    js = bus.client.jetstream()
    config = (await js.stream_info("KV_LEASES")).config
    await js.delete_stream("KV_LEASES")
    await js.add_stream(config.evolve(allow_msg_ttl=None))
    assert await streams.differences(bus, subjects) == ["stream KV_LEASES: allow_msg_ttl is off, should be on"]


async def test_a_consumer_that_was_altered_is_told(bus: Bus, subjects: Subjects) -> None:
    """It would deliver less, or give up."""
    js = bus.client.jetstream()
    config = (await js.consumer_info("EVT", "metrics")).config
    await js.add_consumer("EVT", config.evolve(max_ack_pending=7, headers_only=True))
    found = await streams.differences(bus, subjects)
    assert found == [
        "consumer EVT/metrics: max_ack_pending is 7, should be 100000",
        "consumer EVT/metrics: headers_only is on, should be off",
    ]
