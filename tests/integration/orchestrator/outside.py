"""Another system over a real broker: what it publishes, and what it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from integration.orchestrator.loop import OPS, Loop, eventually, settings_for
from opsloop_common import codec, service
from opsloop_common.bus import Bus
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.events import TaskState
from opsloop_common.notices import Received, Rejected
from opsloop_common.publishers import Publisher
from opsloop_common.redact import Redactor
from opsloop_common.subjects import Subjects, make_id
from opsloop_orchestrator.__main__ import serve

CI = Publisher(
    name="ci", title="Builds", workspace="T1", channels=("C1", "C2"), targets={"naples": "C1"}, press_by=("*",),
    rate_per_second=200, burst=50,
)  # fmt: skip
ETL = Publisher(
    name="etl", title="Loads", workspace="T1", channels=("C1",), silent_after_seconds=1, gone_after_seconds=4
)
BEGIN = {"title": "Build 7", "state": "running"}


class Outside(Loop):
    """The same, and what another system does."""

    async def report(
        self, task_id: str, said: object, *, publisher: str = "ci", event: str = "said", message_id: str = ""
    ) -> None:
        payload = said if isinstance(said, bytes) else msgspec.json.encode(said)
        headers = {"Nats-Msg-Id": message_id} if message_id else None
        await self.bus.client.publish(self.subjects.reported(publisher, task_id, event), payload, headers=headers)
        await self.bus.client.flush()

    async def request(self, said: object, publisher: str = "ci") -> Received:
        payload = said if isinstance(said, bytes) else msgspec.json.encode(said)
        return await service.request(self.bus, self.subjects.publishing(publisher), msgspec.Raw(payload), Received, 5)

    def id(self, task_id: str, publisher: str = "ci") -> str:
        return make_id(OPS, "ext", publisher, task_id)

    async def is_now(self, task_id: str, publisher: str = "ci", **wanted: object) -> TaskState:
        """The task once these of its fields are so."""

        async def find() -> TaskState | None:
            stored = await self.bus.last("EVT", self.subjects.events_of(self.id(task_id, publisher)))
            state = codec.decode_event(stored.data).data if stored else None
            is_so = isinstance(state, TaskState) and all(
                getattr(state, name) == value for name, value in wanted.items()
            )
            return state if is_so and isinstance(state, TaskState) else None

        return await eventually(find, 60)

    async def told(self, task_id: str, notice: str, publisher: str = "ci") -> list[bytes]:
        return [one.data for one in await self.bus.read("OUT", self.subjects.notice(publisher, task_id, notice))]

    async def rejected(self, task_id: str, count: int = 1) -> list[Rejected]:
        async def find() -> list[Rejected] | None:
            found = [codec.decode(one, Rejected) for one in await self.told(task_id, "rejected")]
            return found if len(found) >= count else None

        return await eventually(find)

    async def handled(self, publisher: str = "ci") -> None:
        """Returns when everything reported so far was taken in."""
        self._number += 1
        # What is acknowledged by nobody is stored in its own time, but in order.
        await self.report(f"last-{self._number}", BEGIN, publisher=publisher)
        await self.is_now(f"last-{self._number}", publisher, status="running")

        async def done() -> bool | None:
            info = await self.bus.client.jetstream().consumer_info(f"EXT_{publisher}", "orchestrator")
            return True if info.num_pending == 0 and info.num_ack_pending == 0 else None

        await eventually(done, 60)


@contextlib.asynccontextmanager
async def orchestrator(bus: Bus, subjects: Subjects, folder: Path) -> AsyncIterator[None]:
    settings = settings_for(subjects, folder / "marker")
    settings = replace(settings, catalogue=replace(settings.catalogue, publishers={"ci": CI, "etl": ETL}))
    registry = CollectorRegistry()
    running = asyncio.create_task(serve(bus, settings, Redactor(("hunter2-secret-value",)), ConsumerSeries(registry)))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])
