"""The `opsloop` command as a process of a test, with everything it started."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import SeenMessage
from waiting import until

ANY_PORTS = {
    f"{name}_PORT": "0" for name in ("INGRESS", "ORCHESTRATOR", "NOTIFIER", "METRICS", "SANDBOX", "OPSLOOP_NATS")
}


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **ANY_PORTS}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "opsloop_cli", *words]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid: int) -> dict[int, str]:
    """Every living process below this one, with its command line."""
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if parent == pid:
            found |= {int(entry.name): line, **descendants(int(entry.name))}
    return found


async def wait_for_text(sandbox: SandboxClient, *words: str) -> SeenMessage:
    """The first message in #ops whose text has all the words."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for message in await sandbox.messages("U0ALICE"):
            if all(word in message.text for word in words):
                return message
        await asyncio.sleep(0.05)
    raise AssertionError(f"no message with {words}")


class Running:
    """A command that runs until it is stopped: `demo` or `up`, on a data folder; `within` are words put before it."""

    def __init__(
        self,
        verb: str,
        folder: Path,
        *words: str,
        within: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._argv = [*within, *command(verb, "--data", str(folder), *words)]
        self._environment = environment() | dict(variables or {})
        self._output = folder.with_suffix(".out")
        self._process: subprocess.Popen[bytes] | None = None
        self.processes: dict[int, str] = {}

    async def start(self) -> None:
        self._process = self._spawn()
        await until(lambda: "Ctrl-C" in self.printed or self.exit_code is not None, 30)
        assert self.exit_code is None, self.printed
        self.processes = descendants(self.pid)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._output.open("wb") as output:
            return subprocess.Popen(self._argv, env=self._environment, stdout=output, stderr=output)

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def has_told(self, words: str, times: int) -> bool:
        return self.printed.count(words) >= times

    @property
    def exit_code(self) -> int | None:
        return self._running.poll()

    @property
    def sandbox_url(self) -> str:
        return self.url_of("sandbox")

    def url_of(self, name: str) -> str:
        found = re.search(rf"{name}\s+(http://\S+)", self.printed)
        assert found is not None
        return found[1]

    @property
    def ready_seconds(self) -> float:
        found = re.search(r"ready after ([0-9.]+) s", self.printed)
        assert found is not None
        return float(found[1])

    def pid_of(self, module: str) -> int:
        return next(pid for pid, line in self.processes.items() if line.rstrip().endswith(module))

    async def ends(self, seconds: float) -> int:
        """Waits for the command and returns its exit code; every process that it had started must be gone."""
        await until(lambda: self.exit_code is not None, seconds)
        await until(lambda: not any(is_alive(pid) for pid in self.processes), 1)
        return self._running.returncode

    async def signal(self, number: signal.Signals, seconds: float) -> int:
        self.processes |= descendants(self.pid)
        self._running.send_signal(number)
        return await self.ends(seconds)

    async def close(self) -> None:
        if self._process is not None and self.exit_code is None:
            await self.signal(signal.SIGKILL, 5)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process
