"""`opsloop-ingress` as a process: how it starts, and how it ends."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator

from broker import NatsServer, free_port
from integration.ingress import running, wire
from opsloop_common.bus import Bus
from unit.ingress import slack

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "SLACK_SIGNING_SECRET": slack.SIGNING_SECRET,
    "OPSLOOP_SECRET": slack.BUTTON_SECRET,
    "INGRESS_PORT": "0",
}


@contextlib.asynccontextmanager
async def process(**changes: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {name: value for name, value in (ENVIRONMENT | changes).items() if value}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "opsloop_ingress",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def port_of(started: asyncio.subprocess.Process) -> int:
    assert started.stdout is not None
    line = (await asyncio.wait_for(started.stdout.readline(), 20)).decode()
    assert line.startswith("opsloop-ingress: http://127.0.0.1:")
    return int(line.rsplit(":", 1)[1])


async def test_serves_and_ends_on_sigterm(nats_server: NatsServer, bus: Bus) -> None:
    """It prints where it listens, becomes ready, takes a click, and ends within two seconds of SIGTERM with 0."""
    async with process(NATS_URL=nats_server.url) as started:
        port = await port_of(started)
        deadline = time.monotonic() + 10
        while (await wire.get(port, "/readyz")).status != 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        body = slack.command("help")
        answer = await wire.post(port, "/slack/commands", running.headers("command", body), body)
        assert answer.status == 200
        assert len(await bus.read("CMD", "ops.cmd.>")) == 1
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.monotonic()
        started.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(started.communicate(), 10)
        assert time.monotonic() - began < 2
        assert started.returncode == 0, errors
        assert b"Traceback" not in errors
        assert await idle_reader.read() == b""
        idle_writer.close()
        await idle_writer.wait_closed()


async def test_without_a_broker() -> None:
    """It is alive, not ready, and answers 503 until there is a broker."""
    async with process(NATS_URL=f"nats://127.0.0.1:{free_port()}") as started:
        port = await port_of(started)
        assert (await wire.get(port, "/healthz")).status == 200
        assert (await wire.get(port, "/readyz")).status == 503
        body = slack.command("help")
        answer = await wire.post(port, "/slack/commands", running.headers("command", body), body)
        assert answer.status == 503
        began = time.monotonic()
        started.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(started.wait(), 10) == 0
        assert time.monotonic() - began < 2


async def test_taken_port_and_missing_secret() -> None:
    """It says in a line what is wrong and what to set, and exits with 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with process(INGRESS_PORT=str(port)) as started:
            _, errors = await asyncio.wait_for(started.communicate(), 20)
            assert started.returncode == 2
            assert errors.decode().startswith(f"opsloop-ingress: cannot listen on port {port} (")
            assert b"INGRESS_PORT" in errors
    async with process(SLACK_SIGNING_SECRET="") as started:
        _, errors = await asyncio.wait_for(started.communicate(), 20)
        assert started.returncode == 2
        assert errors.decode().startswith("opsloop-ingress: SLACK_SIGNING_SECRET is missing")
        assert len(errors.decode().splitlines()) == 1
