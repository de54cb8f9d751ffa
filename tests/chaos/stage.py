"""An installation to be broken: quick to notice a death, with many targets and every kind of task."""

import os
from collections.abc import Iterable
from pathlib import Path

from broker import NatsServer
from installation import PACKS, ROOT, SERVICES, Installation

PATCHES = Path(__file__).parent / "patches"
TARGETS = 60
QUICK = "quick_pace"
"""The patch without which the notifier keeps to Slack's limits."""
SLOW = 59
"""The number of a target whose steps take half a second."""
TASKS = """
[tasks.failing]
title = "Fail"
effect = "idempotent"
run_by = ["*"]
[tasks.steady]
title = "Steady"
effect = "idempotent"
run_by = ["*"]
[tasks.first]
title = "First"
effect = "idempotent"
run_by = ["*"]
then = ["steady"]
[tasks.effect_once]
title = "Once"
run_by = ["*"]
settings = { work_ms = 150 }
[tasks.keyed]
title = "Keyed"
effect = "keyed"
run_by = ["*"]
settings = { work_ms = 150 }
[tasks.patient]
title = "Wait"
effect = "idempotent"
run_by = ["*"]
[tasks.locked]
title = "Locked"
effect = "idempotent"
sensitive = true
run_by = ["*"]
"""
TARGET = """
[targets.t{number:02d}]
title = "Target {number}"
[targets.t{number:02d}.settings]
marker = "{marker}"
effects_url = "http://127.0.0.1:8090/effects/t{number:02d}"
pause_seconds = "{pause}"
"""


def catalogue(folder: Path, then: Iterable[str] = ()) -> str:
    """The demo's dealers and tasks beside the tests' own. `then` follows a schema fix."""
    text = (ROOT / "opsloop.toml").read_text()
    listed = ", ".join(f'"{task}"' for task in then)
    text = text.replace('then = ["ugc_audit", "arr_forecast"]', f"then = [{listed}]")
    targets = (
        TARGET.format(number=number, marker=folder / "marker", pause="0.5" if number == SLOW else "0")
        for number in range(TARGETS)
    )
    return text + TASKS + "".join(targets)


class Stage(Installation):
    """Its processes notice a death within seconds and have the patches named for their service."""

    settles_within_seconds = 60.0

    def __init__(self, folder: Path, nats: NatsServer, *, then: Iterable[str] = (), pace: str = QUICK) -> None:
        super().__init__(folder, nats, catalogue=catalogue(folder, then))
        (folder / "marker").touch()
        self._pace = pace
        self.is_limited = not pace

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "PYTHONPATH": f"{PACKS}{os.pathsep}{PATCHES}",
            "ORCHESTRATOR_SLOTS": "4" if self.is_limited else "2",
            "ORCHESTRATOR_LEASE_SECONDS": "2",
            "ORCHESTRATOR_SWEEP_SECONDS": "0.3",
            "NOTIFIER_LEASE_SECONDS": "2",
            "NOTIFIER_SETTLE_SECONDS": "1",
            "NOTIFIER_SWEEPS_SECONDS": "3,6",
        }

    async def start_one(self, name: str, **more: str) -> None:
        patches = [more.pop("OPSLOOP_TEST_PATCHES", ""), self._pace if name.startswith("notifier") else ""]
        await super().start_one(name, **{"OPSLOOP_TEST_PATCHES": ",".join(filter(None, patches))} | more)

    async def _start(self) -> None:
        await super()._start()
        await self.sandbox.settings(rate_limits=self.is_limited)

    @property
    def running(self) -> set[str]:
        """The processes that were started and not ended by us."""
        return set(self._processes)

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    def has_ended(self, name: str) -> bool:
        return name not in self._processes or self._processes[name].returncode is not None


__all__ = ["SERVICES", "Stage"]
