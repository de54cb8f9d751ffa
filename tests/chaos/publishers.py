"""Other systems in the chaos: each reports a task of its own to its end, and repeats what nobody confirmed."""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping

import msgspec

from installation import Installation
from opsloop_common import service
from opsloop_common.notices import Received

PUBLISHER = "ci"
PERCENTS = (0, 30, 60)
PAUSE_SECONDS = (0.1, 2.0)
AGAIN_AFTER_SECONDS = 0.3
ANSWER_SECONDS = 2.0
END = {"state": "succeeded", "summary": "All green"}


class Publishers:
    """Begins tasks until the time is over; `run` returns once each of them was reported to its end."""

    def __init__(self, installation: Installation, draws: random.Random, every_seconds: tuple[float, float]) -> None:
        self._installation = installation
        self._draws = draws
        self._every_seconds = every_seconds
        self.task_ids: list[str] = []

    async def run(self, until: float) -> None:
        async with asyncio.TaskGroup() as systems:
            while time.monotonic() < until:
                await asyncio.sleep(self._draws.uniform(*self._every_seconds))
                self.task_ids.append(f"build-{len(self.task_ids)}")
                pauses = [self._draws.uniform(*PAUSE_SECONDS) for _ in PERCENTS]
                systems.create_task(self._report(self.task_ids[-1], pauses))

    async def _report(self, task_id: str, pauses: list[float]) -> None:
        for percent, pause in zip(PERCENTS, pauses, strict=True):
            await self._say(task_id, {"title": f"Build {task_id}", "state": "running", "percent": percent})
            await asyncio.sleep(pause)
        await self._say(task_id, END)

    async def _say(self, task_id: str, said: Mapping[str, object]) -> None:
        """Until it is answered, under one id, as `docs/publishing.md` asks for it."""
        bus, subjects = self._installation.bus, self._installation.subjects
        assert bus is not None
        identified = {"task_id": task_id, "id": f"{task_id}-{said.get('percent', 'end')}", **said}
        payload = msgspec.Raw(msgspec.json.encode(identified))
        while True:
            with contextlib.suppress(service.Unanswered):
                answer = await service.request(bus, subjects.publishing(PUBLISHER), payload, Received, ANSWER_SECONDS)
                assert answer.outcome in ("accepted", "duplicate"), answer
                return
            await asyncio.sleep(AGAIN_AFTER_SECONDS)

    async def wrong(self) -> list[str]:
        """What they were told otherwise than once; a line each."""
        bus, subjects = self._installation.bus, self._installation.subjects
        assert bus is not None
        lines = []
        for task_id in self.task_ids:
            for notice, wanted in (("accepted", 1), ("shown", 1), ("rejected", 0)):
                found = await bus.read(subjects.stream("OUT"), subjects.notice(PUBLISHER, task_id, notice))
                if len(found) != wanted:
                    lines.append(f"{task_id} was told {len(found)} times that it is {notice}")
        return lines
