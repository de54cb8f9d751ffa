"""The broker's health check, run as its container runs it: BusyBox's sh and nc, against real servers."""

import asyncio
import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from broker import NatsServer, free_port
from debian import program
from deploy.series import ROOT
from opsloop_common.bus import Bus, BusError
from small_disk import SmallDisk

SCRIPT = ROOT / "deploy/nats/health.sh"


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder that holds nothing but BusyBox under the names of its programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "nc"):
        (folder / name).symlink_to(program("busybox"))
    return folder


def check(shell: Path, port: int, pid: int) -> int:
    """The exit code; whoever is found to be broken is asked to end."""
    command = [str(shell / "sh"), str(SCRIPT), str(port), str(pid)]
    return subprocess.run(command, env={"PATH": str(shell)}, check=False, timeout=10).returncode


def test_a_healthy_broker_is_left_alone(shell: Path, nats_server: NatsServer) -> None:
    """So is whoever does not answer, which may be starting."""
    monitor = int(nats_server.monitor_url.rpartition(":")[2])
    assert check(shell, monitor, nats_server.pid) == 0
    assert check(shell, free_port(), nats_server.pid) == 1
    assert check(shell, monitor, nats_server.pid) == 0


async def test_a_broker_that_cannot_write_ends(shell: Path, tmp_path: Path) -> None:
    """Its engine starts it again: nothing else opens a stream whose disk was full."""
    disk = SmallDisk(tmp_path / "disk", 16)
    port, monitor = free_port(), free_port()
    config = tmp_path / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{port}"\nhttp: "127.0.0.1:{monitor}"\njetstream {{ store_dir: "{disk.folder}" }}\n'
    )
    server = Path(sys.executable).parent / "nats-server"
    broker = await asyncio.create_subprocess_exec(
        *disk.within, str(server), "-c", str(config), stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while check(shell, monitor, broker.pid) != 0:
            assert time.monotonic() < deadline, "it does not start"
            await asyncio.sleep(0.05)
        bus = await Bus.connect(f"nats://127.0.0.1:{port}", "test")
        await bus.client.jetstream().add_stream(name="S", subjects=["s"])
        disk.fill(broker.pid)
        with pytest.raises(BusError):
            await bus.publish("s", b"no room for this", deadline_seconds=0.5)
        await bus.close()
        assert check(shell, monitor, broker.pid) == 1
        assert await asyncio.wait_for(broker.wait(), 10) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            broker.kill()
        await broker.wait()
