"""Keeps what was started running: what dies is started again, and so is a broker that gave its store up."""

import asyncio
import collections
import shutil
import time
from collections.abc import Callable

from opsloop_cli.processes import LOOK_SECONDS, Child, Supervisor, former
from opsloop_common.bus import durability
from opsloop_common.runtime import CannotStart

DEATHS_AT_MOST = 5
DEATHS_WITHIN_SECONDS = 60.0
PAUSE_SECONDS = 1.0
STORE_LOOK_SECONDS = 2.0
ROOM_BYTES = 16 << 20
"""What must be free before a broker whose disk was full is started again: else it would be full at once."""


class Deaths:
    """How often whom; pure but for what it remembers."""

    def __init__(self) -> None:
        self._of: dict[str, collections.deque[float]] = {}

    def pause_seconds(self, name: str, now: float) -> float | None:
        """Until it is started again: the first time at once, then later each time; None: it dies too often."""
        recent = self._of.setdefault(name, collections.deque(maxlen=DEATHS_AT_MOST))
        recent.append(now)
        number = sum(now - at < DEATHS_WITHIN_SECONDS for at in recent)
        return None if number >= DEATHS_AT_MOST else (number - 1) * PAUSE_SECONDS


class Keeper:
    """`tell` is given a line for whoever sits at the terminal."""

    def __init__(self, supervisor: Supervisor, tell: Callable[[str], None]) -> None:
        self._supervisor = supervisor
        self._tell = tell
        self._deaths = Deaths()
        self._due: dict[Child, float] = {}
        self._full: set[str] = set()

    async def run(self) -> None:
        """Until cancelled. Raises CannotStart when a process dies again and again."""
        next_look = time.monotonic()
        while True:
            now = time.monotonic()
            for child in self._supervisor.dead():
                self._revive(child, now)
            if now >= next_look:
                await self._look_at_stores()
                next_look = time.monotonic() + STORE_LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)

    def _revive(self, child: Child, now: float) -> None:
        if not self._has_room(child):
            return
        if child not in self._due:
            pause_seconds = self._deaths.pause_seconds(child.name, now)
            if pause_seconds is None:
                raise CannotStart(f"everything was stopped, because again and again {child.obituary()}")
            self._due[child] = now + pause_seconds
            self._tell(f"{child.name} {child.fate}; it is started again, its log is kept as {former(child.log)}")
        if now >= self._due[child]:
            del self._due[child]
            self._supervisor.restart(child)

    async def _look_at_stores(self) -> None:
        for child in [child for child in self._supervisor.children if child.exit_code is None]:
            problem = await durability.write_problem(child.program.monitor_url)
            if problem and self._has_room(child):
                self._tell(f"{child.name} is started again: {problem}")
                self._supervisor.expect_end(child)
                child.kill()
                self._supervisor.restart(child)

    def _has_room(self, child: Child) -> bool:
        store = child.program.store
        if store is None or shutil.disk_usage(store).free >= ROOM_BYTES:
            self._full.discard(child.name)
            return True
        if child.name not in self._full:
            self._full.add(child.name)
            self._tell(
                f"the disk under {store} is full: nothing is taken in until {ROOM_BYTES >> 20} MiB are free; "
                "then it goes on by itself"
            )
        return False
