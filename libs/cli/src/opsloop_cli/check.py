"""`opsloop demo --check`: the demo in a folder and on ports of its own, the tour, and the verdict."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from opsloop_cli import demo, stages, tour
from opsloop_cli.expect import report
from opsloop_cli.expect.report import StageReport, TourReport
from opsloop_cli.folder import DataFolder
from opsloop_cli.plan import SANDBOX, SHIPPED_CATALOGUE
from opsloop_cli.ports import LOOPBACK, any_ports
from opsloop_cli.processes import Supervisor
from opsloop_cli.tour import Stage
from opsloop_sandbox.client import SandboxClient

RIGHT, WRONG = 0, 1


async def run(environment: Mapping[str, str], *, as_json: bool) -> int:
    """Prints what was seen; 0 if every message was right. Raises CannotStart, SettingsError."""
    place = Path(tempfile.mkdtemp(prefix="opsloop-check-"))
    try:
        found = await play(environment, place / "data", stages.STAGES, aloud=not as_json)
    except asyncio.CancelledError:
        shutil.rmtree(place, ignore_errors=True)
        raise
    if found.ok:
        shutil.rmtree(place, ignore_errors=True)
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        print(report.stage(found.stages[-1]))
        print(report.summary(found))
        if not found.ok:
            print(f"logs are kept in {place / 'data' / 'logs'}")
    return RIGHT if found.ok else WRONG


async def play(
    environment: Mapping[str, str], place: Path, stages: tuple[Stage, ...], *, aloud: bool, without: str = ""
) -> TourReport:
    """Starts the demo in the folder `place` (leaving out the process `without`), plays, stops it."""
    started_at = time.monotonic()
    with DataFolder(place, "demo") as folder:
        prepared = demo.prepare({**environment, **any_ports(), "OPSLOOP_HOST": LOOPBACK}, folder, SHIPPED_CATALOGUE)
        programs = tuple(program for program in prepared.programs if program.name != without)
        prepared = msgspec.structs.replace(prepared, programs=programs)
        async with demo.started(prepared, folder) as stack:
            if aloud:
                print(f"everything is ready after {stack.ready_seconds:.1f} s\n", flush=True)
            stages_seen = await _play(prepared.ports.url(SANDBOX), stages, aloud=aloud)
            stages_seen.append(_survivors(stack.supervisor))
    ok = all(stage.ok for stage in stages_seen)
    return TourReport(ok=ok, seconds=round(time.monotonic() - started_at, 2), stages=stages_seen)


def _survivors(supervisor: Supervisor) -> StageReport:
    """The last stage: nobody died on the way."""
    problems = [child.obituary() for child in supervisor.dead()]
    return StageReport(name="every process still runs", ok=not problems, seconds=0, messages=[], problems=problems)


async def _play(sandbox_url: str, stages: tuple[Stage, ...], *, aloud: bool) -> list[StageReport]:
    seen: list[StageReport] = []
    async with SandboxClient(sandbox_url) as sandbox:
        async for stage in tour.play(sandbox, stages):
            seen.append(stage)
            if aloud:
                print(report.stage(stage), flush=True)
    return seen
