"""A real nats-server for a test, with its own store."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

FIRST_PORT = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


_given: set[int] = set()


def free_port() -> int:
    """A port that is free now, and that nobody takes before whoever asked: it lies below those of outgoing connections,
    no other test process draws it, and this one draws it once."""
    first_ephemeral = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 32_768
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ours = range(FIRST_PORT + worker, max(first_ephemeral, FIRST_PORT + 1_000), workers)
    for _ in range(100):
        # Not the seeded generator: another run on this machine must not draw the same numbers.
        port = random.SystemRandom().choice(ours)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
    raise OSError("no free port")


class NatsServer:
    """A nats-server of this test, on a port of its own; it can be killed and started again on the same store."""

    def __init__(self, folder: Path, sync_interval: str = "always") -> None:
        self.port, monitor_port = free_port(), free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.monitor_url = f"http://127.0.0.1:{monitor_port}"
        self._config = folder / "nats.conf"
        self._config.write_text(
            f'listen: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{monitor_port}"\n'
            f'jetstream {{ store_dir: "{folder / "store"}", sync_interval: {sync_interval}, max_file_store: 64GB }}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = Path(sys.executable).parent / "nats-server"
        self._process = subprocess.Popen(
            [str(binary), "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.02)
        raise AssertionError("nats-server did not start")

    def send(self, how: signal.Signals) -> None:
        """Freezes it (SIGSTOP), or lets it go on (SIGCONT). Frozen, none of its threads runs when this returns."""
        assert self._process is not None
        self._process.send_signal(how)
        deadline = time.monotonic() + 5
        while how is signal.SIGSTOP and not self._is_frozen():
            assert time.monotonic() < deadline, "nats-server does not freeze"
            time.sleep(0.005)

    def _is_frozen(self) -> bool:
        threads = Path(f"/proc/{self.pid}/task").glob("*/stat")
        return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Nothing of it runs afterwards."""
        self.kill()
