"""Orchestrators as real processes, which can be frozen and killed, with an outside system that counts effects."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from broker import NatsServer, free_port
from integration.orchestrator.loop import PACKS, Loop, eventually
from integration.sandbox.running import sandbox_at
from opsloop_common.bus import Bus
from opsloop_common.runtime import die_with_parent
from opsloop_common.subjects import Subjects
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import EffectSeen

LEASE_SECONDS = 2
TASKS = """
[tasks.keyed]
title = "Keyed"
effect = "keyed"
run_by = ["*"]
settings = { work_ms = WORK }
params = { number = { title = "Number", kind = "number", default = "1", minimum = 1, maximum = 1000 } }
[tasks.plain]
title = "Plain"
effect = "idempotent"
run_by = ["*"]
settings = { work_ms = WORK }
params = { number = { title = "Number", kind = "number", default = "1", minimum = 1, maximum = 1000 } }
[tasks.effect_once]
title = "Once"
effect = "at_most_once"
run_by = ["*"]
settings = { work_ms = WORK }
params = { number = { title = "Number", kind = "number", default = "1", minimum = 1, maximum = 1000 } }
[tasks.parental]
title = "Parental"
effect = "idempotent"
run_by = ["*"]
timeout_seconds = TIMEOUT
[tasks.steady]
title = "Steady"
effect = "idempotent"
run_by = ["*"]
[tasks.patient]
title = "Patient"
effect = "idempotent"
run_by = ["*"]
"""
TARGET = """
[targets.NAME]
title = "NAME"
settings = { effects_url = "URL", marker = "MARKER", pause_seconds = "PAUSE" }
"""


class Replicas:
    """Orchestrators by name, the sandbox they act on, and `loop`, which asks them and reads what became of it."""

    def __init__(self, folder: Path, nats: NatsServer, bus: Bus, sandbox: SandboxClient) -> None:
        self.folder = folder
        self.nats = nats
        self.sandbox = sandbox
        self.loop = Loop(bus, Subjects())
        self.marker = folder / "marker"
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def start(
        self,
        name: str,
        *,
        work_ms: int = 0,
        timeout_seconds: float = 60,
        pause_seconds: float = 0,
        lease_seconds: int = LEASE_SECONDS,
        tasks: str = TASKS,
    ) -> None:
        """Starts one. Its effects take `work_ms`, the steps of its steady tasks `pause_seconds`."""
        text = tasks.replace("WORK", str(work_ms)).replace("TIMEOUT", str(timeout_seconds))
        for target in ("naples", "tampa"):
            table = TARGET.replace("NAME", target).replace("URL", f"{self.sandbox.effects_url}{target}")
            text += table.replace("MARKER", str(self.marker)).replace("PAUSE", str(pause_seconds))
        catalogue = self.folder / f"{name}.toml"
        catalogue.write_text(text)
        log = (self.folder / f"{name}.log").open("ab")
        self._processes[name] = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "opsloop_orchestrator",
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(PACKS),
                "NATS_URL": self.nats.url,
                "OPSLOOP_CONFIG": str(catalogue),
                "ORCHESTRATOR_PORT": str(free_port()),
                "ORCHESTRATOR_LEASE_SECONDS": str(lease_seconds),
                "ORCHESTRATOR_SWEEP_SECONDS": "0.2",
            },
            stdout=log,
            stderr=log,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        log.close()

    @property
    def marked(self) -> str:
        """What handlers and their children noted."""
        return self.marker.read_text() if self.marker.exists() else ""

    def send(self, name: str, how: signal.Signals) -> None:
        self._processes[name].send_signal(how)

    async def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        process = self._processes.pop(name)
        if process.returncode is None:
            process.send_signal(how)
        return await asyncio.wait_for(process.wait(), 15)

    async def stop(self) -> None:
        for name in list(self._processes):
            await self.end(name)

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    async def effects(self, name: str = "naples", at_least: int = 1, seconds: float = 20) -> list[EffectSeen]:
        """What the outside system saw, once there is so much of it."""

        async def enough() -> list[EffectSeen] | None:
            seen = await self.sandbox.effects(name)
            return seen if len(seen) >= at_least else None

        return await eventually(enough, seconds)


@asynccontextmanager
async def replicas_at(folder: Path, nats: NatsServer, bus: Bus) -> AsyncIterator[Replicas]:
    async with sandbox_at(folder / "sandbox") as sandbox:
        replicas = Replicas(folder, nats, bus, sandbox)
        try:
            yield replicas
        finally:
            await replicas.stop()
