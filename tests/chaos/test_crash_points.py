"""kill -9 at each crossing of the adapters: what died is started again, and everything ends right.

A sample by default. `just crash-all` sets OPSLOOP_CRASH_ALL and kills at all of them.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from broker import NatsServer
from chaos import crossings
from chaos.crossings import RUNNER, Kill, Killed
from chaos.scenes import SCENES
from chaos.stage import Stage

IS_WHOLE = bool(os.environ.get("OPSLOOP_CRASH_ALL"))
SAMPLE = {"ingress": 1, "metrics": 1, "orchestrator": 4, "runner": 2, "notifier": 4, "slack": 4}
GROUPS = tuple(SAMPLE) if IS_WHOLE else ("a sample of all",)
KILLS_A_STAGE = 30
SAMPLE_SECONDS, WHOLE_SECONDS = 480, 3600
EXPECTED = {
    "ingress": {"before publish cmd.run", "after publish cmd.run", "before users.info", "after users answered"},
    "orchestrator": {
        "before publish evt.queued",
        "after publish evt.started",
        "before put STEPS",
        "before put TARGETS",
        "before ack CMD/orchestrator",
        "before ack EVT/orchestrator-queued",
        "after frame to runner: begin",
        "with frame from runner: step",
        "runner: before frame step",
        "runner: with frame kept",
        "runner: after the bytes of site PUT left",
        "runner: after site PUT answered",
    },
    "notifier": {
        "before put LEDGER",
        "after put LEDGER",
        "before chat.postMessage",
        "after the bytes of chat.postMessage left",
        "after chat.postMessage answered",
        "after the bytes of chat.update left",
        "after the bytes of response_url left",
    },
    "metrics": {"before Prometheus query", "after the bytes of Prometheus query left", "before ack EVT/metrics"},
}


@pytest.mark.timeout(WHOLE_SECONDS if IS_WHOLE else SAMPLE_SECONDS)
@pytest.mark.parametrize("group", GROUPS)
async def test_a_death_at_any_crossing_is_survived(group: str, tmp_path: Path) -> None:
    """Every adapter is crossed; whoever dies there is started again, and no invariant is broken in the end."""
    crossed = await discover(tmp_path)
    for service, names in EXPECTED.items():
        missing = names - {name for services in crossed.values() for name in services[service]}
        assert not missing, f"{service} never crosses {missing}: has an adapter lost its crash points?"
    kills = grouped(crossings.plan(crossed))
    chosen = kills[group] if IS_WHOLE else [one for name, count in SAMPLE.items() for one in spread(kills[name], count)]
    killed, failures = await kill_all(chosen, tmp_path)
    print(f"\n{crossings.table(killed, failures)}", flush=True)
    assert failures == []


async def discover(folder: Path) -> dict[str, dict[str, Counter[str]]]:
    """What is crossed in each scene."""
    with a_broker(folder / "discovery") as nats:
        async with Stage(folder / "discovery", nats) as stage:
            return {scene: await crossings.recorded(stage, scene, number) for number, scene in enumerate(SCENES)}


def grouped(kills: Iterable[Kill]) -> dict[str, list[Kill]]:
    """By what dies; runners die within the orchestrator."""
    found: dict[str, list[Kill]] = {name: [] for name in SAMPLE}
    for kill in kills:
        found["runner" if kill.crossing.startswith(RUNNER) else kill.service].append(kill)
    found["slack"] = crossings.slack_plan()
    return found


def spread(kills: Sequence[Kill], count: int) -> list[Kill]:
    """So many of them, evenly, the same every time."""
    ordered = sorted(kills, key=lambda kill: (kill.crossing, kill.scene, str(kill)))
    return [ordered[(2 * number + 1) * len(ordered) // (2 * count)] for number in range(count)]


async def kill_all(kills: Sequence[Kill], folder: Path) -> tuple[list[Killed], list[str]]:
    """One after another in one installation; in a new one after a failure, and because what is checked grows."""
    killed: list[Killed] = []
    failures: list[str] = []
    while (done := len(killed) + len(failures)) < len(kills):
        with a_broker(folder / f"stage-{done}") as nats:
            async with Stage(folder / f"stage-{done}", nats) as stage:
                stage.is_checked = False
                for number, kill in enumerate(kills[done : done + KILLS_A_STAGE], 1):
                    try:
                        killed.append(await crossings.kill_once(stage, kill, number))
                    except (AssertionError, TimeoutError) as error:
                        failures.append(f"FAILED {kill}: {str(error)[:3000] or type(error).__name__}")
                        print(failures[-1], flush=True)
                        break
    return killed, failures


@contextlib.contextmanager
def a_broker(folder: Path) -> Iterator[NatsServer]:
    folder.mkdir()
    server = NatsServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
