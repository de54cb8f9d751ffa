"""Killing one process at one crossing: the plan of what to kill where, and one kill with everything that follows."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import msgspec

from chaos.scenes import play
from chaos.stage import SERVICES, Stage
from opsloop_sandbox.contract import Behaviour

LOOK_SECONDS = 0.05
SCENE_SECONDS = 60.0
REACHED_WITHIN_SECONDS = 30.0
"""A scene is played again until then: what happens beside it is not the same every time."""
RUNNER = "runner: "
LEDGER_WRITES = 6
"""The first messages of a scene: each is an intent, is being sent, is posted."""


class Kill(msgspec.Struct, frozen=True):
    """Where one process dies, while which scene is played, and how Slack behaves then."""

    service: str
    scene: str
    crossing: str
    method: str = ""
    behaviour: Behaviour | None = None
    stored: bool | None = None
    nth: int = 1

    def __str__(self) -> str:
        fault = f" with {self.method} {self.behaviour}" if self.behaviour else ""
        unstored = " (not stored)" if self.stored is False else ""
        return f"{self.service}: {self.crossing} ({self.scene}){fault}{unstored}"


class Killed(msgspec.Struct, frozen=True):
    kill: Kill
    settled_seconds: float


BEHAVIOURS: tuple[tuple[Behaviour, bool | None], ...] = (
    ("stored_then_reset", None),
    ("stored_then_500", None),
    ("lost_500", None),
    ("hang", True),
    ("hang", False),
    ("slow_landing", None),
    ("unreadable_body", None),
    ("ratelimited", None),
)
SLACK_METHODS = ("chat.postMessage", "chat.update")


async def recorded(stage: Stage, scene: str, number: int) -> dict[str, Counter[str]]:
    """How often each service crosses what, from its start on, while a scene is played."""
    files = {service: stage.folder / f"crossed-{scene}-{service}" for service in SERVICES}
    for service, file in files.items():
        await stage.end(service)
        await stage.start_one(service, OPSLOOP_CRASH_RECORD=str(file))
    await _finished(asyncio.create_task(play(scene, stage, number)), scene, stage)
    # Nothing of this scene is left to be repaired in the next one.
    assert await stage.broken_invariants(stage.settles_within_seconds) == []
    return {service: _counts(file) for service, file in files.items()}


def _counts(file: Path) -> Counter[str]:
    names = [line.rpartition("#")[0] for line in file.read_text().splitlines()] if file.exists() else []
    # Several runners cross side by side, each with a count of its own: the second of two may be the first of another.
    return Counter({name: 1 if name.startswith(RUNNER) else count for name, count in Counter(names).items()})


def plan(crossed: dict[str, dict[str, Counter[str]]]) -> list[Kill]:
    """Each crossing once, in the first scene that reaches it, and further ones of what is crossed often."""
    kills: dict[tuple[str, str], Kill] = {}
    for scene, services in crossed.items():
        for service, counts in services.items():
            for name, count in counts.items():
                for number in range(1, _up_to(name, count) + 1):
                    kills.setdefault((service, f"{name}#{number}"), Kill(service, scene, f"{name}#{number}"))
    return list(kills.values())


def _up_to(name: str, count: int) -> int:
    if name.endswith("put LEDGER"):
        return min(LEDGER_WRITES, max(1, count - 2))
    # What is far from the last is reached however the scene turns out.
    return 2 if count >= 4 else 1


def slack_plan() -> list[Kill]:
    """Around each way Slack has of leaving us in doubt, and around the looks that end the doubt."""
    looks = [
        Kill("notifier", "keyed", f"{where}#1", "chat.postMessage", "stored_then_500", nth=nth)
        for nth, method in ((1, "conversations.history"), (2, "conversations.replies"))
        for where in (f"before {method}", f"after the bytes of {method} left", f"after {method} answered")
    ]
    return looks + [
        Kill("notifier", "keyed", f"{where}#1", method, behaviour, stored)
        for method in SLACK_METHODS
        for where in (f"before {method}", f"after the bytes of {method} left", f"after {method} answered")
        for behaviour, stored in BEHAVIOURS
        # No answer, no crossing: it would be that of another call.
        if not (where.endswith("answered") and behaviour in ("stored_then_reset", "hang"))
    ]


async def kill_once(stage: Stage, kill: Kill, number: int) -> Killed:
    """Plays until the process died there, starts it again, and waits until nothing is broken any more."""
    record = stage.folder / "crossed"
    record.unlink(missing_ok=True)
    if kill.behaviour is not None:
        fault = {"nth": kill.nth, "seconds": 2.0, "stored": kill.stored}
        await stage.sandbox.fault(kill.method, kill.behaviour, **fault)  # type: ignore[arg-type] # one of each
    await stage.end(kill.service)
    await stage.start_one(kill.service, OPSLOOP_CRASH_AT=kill.crossing, OPSLOOP_CRASH_RECORD=str(record))
    playing = await _play_until_dead(stage, kill, number, record)
    died_at = time.monotonic()
    await stage.end(kill.service)
    await stage.start_one(kill.service)
    await _finished(playing, str(kill), stage)
    found = await stage.broken_invariants(stage.settles_within_seconds)
    assert found == [], f"{kill}: {found}"
    await stage.sandbox.clear_faults()
    killed = Killed(kill, time.monotonic() - died_at)
    print(f"{killed.settled_seconds:5.1f} s  {kill}", flush=True)
    return killed


async def _finished(playing: asyncio.Task[None], what: str, stage: Stage) -> None:
    try:
        await asyncio.wait_for(playing, SCENE_SECONDS)
    except TimeoutError:
        raise AssertionError(f"{what}: stuck\n{await stage.channel_text()}") from None


async def _play_until_dead(stage: Stage, kill: Kill, number: int, record: Path) -> asyncio.Task[None]:
    """The scene under way in which it died. A crossing that is never reached proves nothing, and is a failure."""
    deadline = time.monotonic() + REACHED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        playing = asyncio.create_task(play(kill.scene, stage, number))
        while not playing.done() and time.monotonic() < deadline:
            if _has_died(stage, kill, record):
                return playing
            await asyncio.sleep(LOOK_SECONDS)
        if _has_died(stage, kill, record):
            return playing
        playing.cancel()
    raise AssertionError(f"{kill} was never reached")


def _has_died(stage: Stage, kill: Kill, record: Path) -> bool:
    if kill.crossing.startswith(RUNNER):
        return record.exists() and f"died {kill.crossing}\n" in record.read_text()
    return stage.has_ended(kill.service)


def table(killed: list[Killed], failures: list[str]) -> str:
    """One line a service."""
    lines = [f"{'service':14} {'crossings':>9} {'settled max':>12} {'median':>8}"]
    for service in sorted({one.kill.service for one in killed}):
        seconds = sorted(one.settled_seconds for one in killed if one.kill.service == service)
        lines.append(f"{service:14} {len(seconds):9} {seconds[-1]:10.1f} s {seconds[len(seconds) // 2]:6.1f} s")
    return "\n".join([*lines, f"killed {len(killed)}, failed {len(failures)}", *failures])
