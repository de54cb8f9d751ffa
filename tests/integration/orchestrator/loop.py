"""An orchestrator over a real broker: asks it and reads what became of it."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from opsloop_common import catalogue, codec
from opsloop_common.answers import AnswerState
from opsloop_common.bus import Bus, BusError
from opsloop_common.commands import AnyCommand, CancelTask, RunTask
from opsloop_common.events import LogLine, TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.settings import ServiceSettings
from opsloop_common.subjects import Subjects, event_in, make_id
from opsloop_orchestrator.settings import Settings

T = TypeVar("T")
PACKS = Path(__file__).parents[2] / "packs"
ALICE = Person("T1", "U1")
BOB = Person("T1", "U2")
OPS = Conversation("T1", "C1")
CATALOGUE = """
[access]
owners = ["U9"]
contact = "the owner of #ops"

[tasks.steady]
title = "Steady"
[tasks.failing]
title = "Failing"
[tasks.buggy]
title = "Buggy"
[tasks.blocking]
title = "Blocking"
timeout_seconds = 1
[tasks.stubborn]
title = "Stubborn"
cancel_grace_seconds = 0.3
[tasks.stubborn_once]
title = "Stubborn, once"
effect = "at_most_once"
cancel_grace_seconds = 0.3
[tasks.patient]
title = "Patient"
[tasks.dying]
title = "Dying"
[tasks.reporting]
title = "Reporting"
[tasks.once]
title = "Once"
effect = "at_most_once"
[tasks.asking]
title = "Asking"
settings = { weight = 3 }
params = { days = { title = "Days", kind = "number", default = "30", minimum = 1, maximum = 90 } }
[tasks.first]
title = "First"
then = ["steady", "secret"]
[tasks.secret]
title = "Secret"
sensitive = true

[metrics.gain]
title = "Gain"
unit = "usd"
query = 'gain{dealer=$target}'
word = "gain"

[targets.naples]
title = "Naples"
settings = { marker = "MARKER", pause_seconds = "0.05" }
[targets.tampa]
title = "Tampa"
settings = { marker = "MARKER" }
"""


def settings_for(subjects: Subjects, marker: Path) -> Settings:
    text = CATALOGUE.replace("MARKER", str(marker))
    parts = [
        part + ('effect = "idempotent"\n' if "effect" not in part else "") + 'run_by = ["*"]\n'
        if part.startswith("[tasks.")
        else part
        for part in text.replace("\n[", "\n\0[").split("\0")
    ]
    return Settings(
        service=ServiceSettings(nats_url="", host="127.0.0.1", port=0, subjects=subjects, log_level="info"),
        catalogue=catalogue.parse("".join(parts), "test.toml"),
        slots=2,
        start_within=timedelta(seconds=60),
        secrets={"naples": {}, "tampa": {}},
        runner_environment={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKS)},
    )


PATIENCE_SECONDS = 10.0
"""For a broker on a machine that has other tests to run."""


class Loop:
    """Asks the orchestrator and reads what became of it."""

    def __init__(self, bus: Bus, subjects: Subjects) -> None:
        self.bus = bus
        self.subjects = subjects
        self._number = 0

    def common(self, name: str = "") -> dict[str, object]:
        self._number += 1
        id = make_id(OPS, "command", "U1", name or str(self._number))
        return {"request_id": id, "actor": ALICE, "conversation": OPS, "asked_at": datetime.now(UTC)}

    async def ask(self, command: AnyCommand, *, again: bool = False) -> str:
        type_ = codec.command_type(command)
        envelope = codec.envelope(
            id=command.request_id,
            source="test",
            type=type_,
            time=command.asked_at,
            subject=command.request_id,
            data=command,
        )
        message_id = "" if again else command.request_id
        await self.bus.publish(
            self.subjects.command(type_.split(".")[2]),
            codec.encode(envelope),
            message_id=message_id,
            deadline_seconds=PATIENCE_SECONDS,
        )
        return command.request_id

    async def run(self, task: str, target: str = "naples", **more: object) -> str:
        fields = self.common() | more
        return await self.ask(RunTask(task=task, target=target, **fields))  # type: ignore[arg-type]

    async def events(self, id: str) -> list[tuple[str, TaskState]]:
        stored = await self.bus.read(self.subjects.stream("EVT"), self.subjects.events_of(id))
        found = [(event_in(one.subject), codec.decode_event(one.data).data) for one in stored]
        return [(name, state) for name, state in found if isinstance(state, TaskState)]

    async def task(self, id: str) -> tuple[TaskState, int]:
        stored = await self.bus.last(self.subjects.stream("EVT"), self.subjects.events_of(id))
        assert stored is not None
        state = codec.decode_event(stored.data).data
        assert isinstance(state, TaskState)
        return state, stored.sequence

    async def answer(self, id: str) -> AnswerState:
        async def find() -> AnswerState | None:
            stored = await self.bus.last(self.subjects.stream("EVT"), self.subjects.events_of(id))
            state = codec.decode_event(stored.data).data if stored else None
            return state if isinstance(state, AnswerState) else None

        return await eventually(find)

    async def ended(self, id: str, seconds: float = 20) -> tuple[TaskState, int]:
        async def find() -> tuple[TaskState, int] | None:
            stored = await self.bus.last(self.subjects.stream("EVT"), self.subjects.events_of(id))
            if stored is None:
                return None
            state = codec.decode_event(stored.data).data
            assert isinstance(state, TaskState), state
            return None if state.is_open else (state, stored.sequence)

        return await eventually(find, seconds)

    async def settled(self, id: str, seconds: float = 20) -> tuple[TaskState, int]:
        """The task once nothing more happens to it unless a person asks for it."""

        async def find() -> tuple[TaskState, int] | None:
            found = await self.status(id, "succeeded", "failed", "cancelled", "unknown", seconds=seconds)
            return found if found[0].is_settled else None

        return await eventually(find, seconds)

    async def log(self, id: str) -> list[str]:
        stored = await self.bus.read(self.subjects.stream("LOG"), self.subjects.log(id))
        return [codec.decode(one.data, LogLine).line for one in stored]

    async def status(self, id: str, *wanted: str, seconds: float = 15) -> tuple[TaskState, int]:
        """The task once its status is one of those wanted."""

        async def find() -> tuple[TaskState, int] | None:
            stored = await self.bus.last(self.subjects.stream("EVT"), self.subjects.events_of(id))
            state = codec.decode_event(stored.data).data if stored else None
            is_there = stored and isinstance(state, TaskState) and state.status in wanted
            return (state, stored.sequence) if is_there else None  # type: ignore[union-attr,return-value]

        return await eventually(find, seconds)

    async def cancel(self, id: str, drawn_at: int, **more: object) -> str:
        fields = self.common() | more
        return await self.ask(CancelTask(task_id=id, drawn_at=drawn_at, **fields))  # type: ignore[arg-type]


async def eventually(find: Callable[[], Awaitable[T | None]], seconds: float = 30) -> T:
    """What `find` finds, within the deadline; as long as the broker is away it finds nothing."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        with contextlib.suppress(BusError):
            if (found := await find()) is not None:
                return found
        assert asyncio.get_running_loop().time() < deadline, "it did not come in time"
        await asyncio.sleep(0.02)
