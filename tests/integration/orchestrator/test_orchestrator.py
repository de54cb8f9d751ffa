"""The orchestrator with a real broker and real runner processes."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from prometheus_client import CollectorRegistry

from opsloop_common import catalogue, codec, service
from opsloop_common.answers import AnswerState, LogsBody, MovedBody, RefusedBody, StatusBody, UnknownNameBody
from opsloop_common.bus import Bus
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.commands import AnyCommand, RetryTask, RunTask, ShowLogs, ShowStatus
from opsloop_common.events import LogLine, TaskState
from opsloop_common.measures import Measure, MetricQuery
from opsloop_common.people import Conversation, Person
from opsloop_common.probe import Health
from opsloop_common.redact import Redactor
from opsloop_common.service import endpoint
from opsloop_common.settings import ServiceSettings
from opsloop_common.subjects import Subjects, event_in, make_id
from opsloop_orchestrator.__main__ import serve
from opsloop_orchestrator.settings import Settings

T = TypeVar("T")
PACKS = Path(__file__).parents[2] / "packs"
ALICE = Person("T1", "U1")
OPS = Conversation("T1", "C1")


def settings_for(subjects: Subjects, marker: Path) -> Settings:
    tasks = ["steady", "failing", "buggy", "blocking", "dying", "reporting"]
    text = "\n".join(
        f'[tasks.{task}]\ntitle = "{task}"\neffect = "idempotent"\nrun_by = ["*"]\ntimeout_seconds = 20'
        for task in tasks
    )
    text = text.replace('title = "blocking"', 'title = "blocking" #').replace(
        '[tasks.blocking]\ntitle = "blocking" #\neffect = "idempotent"\nrun_by = ["*"]\ntimeout_seconds = 20',
        '[tasks.blocking]\ntitle = "blocking"\neffect = "idempotent"\nrun_by = ["*"]\ntimeout_seconds = 1',
    )
    text += '\n[tasks.once]\ntitle = "once"\nrun_by = ["*"]'
    text += f'\n[targets.naples]\ntitle = "Naples"\nsettings = {{ marker = "{marker}", pause_seconds = "0.05" }}'
    text += "\n[metrics.gain]\ntitle = 'Gain'\nunit = 'usd'\nquery = 'gain{dealer=$target}'"
    text += f'\n[targets.tampa]\ntitle = "Tampa"\nsettings = {{ marker = "{marker}" }}'
    return Settings(
        service=ServiceSettings(nats_url="", host="127.0.0.1", port=0, subjects=subjects, log_level="info"),
        catalogue=catalogue.parse(text, "test.toml"),
        slots=2,
        start_within_seconds=60,
        secrets={"naples": {}, "tampa": {}},
        runner_environment={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKS)},
    )


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
            self.subjects.command(type_.split(".")[2]), codec.encode(envelope), message_id=message_id
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

    async def log(self, id: str) -> list[str]:
        stored = await self.bus.read(self.subjects.stream("LOG"), self.subjects.log(id))
        return [codec.decode(one.data, LogLine).line for one in stored]


async def eventually(find: Callable[[], Awaitable[T | None]], seconds: float = 15) -> T:
    """What `find` finds, within the deadline."""
    deadline = asyncio.get_running_loop().time() + seconds
    while (found := await find()) is None:
        assert asyncio.get_running_loop().time() < deadline, "it did not come in time"
        await asyncio.sleep(0.02)
    return found


@pytest.fixture
async def loop(bus: Bus, subjects: Subjects, tmp_path: Path) -> AsyncIterator[Loop]:
    settings = settings_for(subjects, tmp_path / "marker")
    registry = CollectorRegistry()
    redact = Redactor(("hunter2-secret-value",))
    serving = asyncio.create_task(serve(bus, settings, redact, Health(registry, {}), ConsumerSeries(registry)))
    yield Loop(bus, subjects)
    serving.cancel()
    await asyncio.wait([serving])


async def test_a_task_runs_through_its_steps(loop: Loop) -> None:
    """Queued, started, every step with its name, succeeded; the log has its lines."""
    id = await loop.run("steady")
    state, _ = await loop.ended(id)
    events = await loop.events(id)
    assert [name for name, _ in events] == ["queued", "started", "step", "step", "step", "step", "succeeded"]
    assert state.status == "succeeded"
    assert [step.name for step in state.steps] == ["One", "Two", "Three", "Four"]
    assert state.result is not None
    assert state.result.summary == "4 steps done"
    assert (await loop.log(id))[:3] == ["Step 1: One", "working on naples", "Step 2: Two"]


async def test_the_same_request_twice_is_one_task(loop: Loop) -> None:
    """A second delivery of a request meets the first one's task and changes nothing."""
    fields = loop.common("once")
    command = RunTask(task="steady", target="naples", **fields)  # type: ignore[arg-type]
    id = await loop.ask(command)
    await loop.ended(id)
    before = await loop.events(id)
    await loop.ask(command, again=True)
    other = await loop.run("steady", "tampa")
    await loop.ended(other)
    assert await loop.events(id) == before


async def test_a_foreseen_failure_says_where_and_retry_moves_the_same_task(loop: Loop) -> None:
    """The sentence names the step, secrets stay out of the log, and Retry is attempt 2 of the same task, once."""
    id = await loop.run("failing")
    state, sequence = await loop.ended(id)
    assert state.failure is not None
    assert state.failure.sentence == "The site timed out at step 1 (Reaching). Check it, then retry."
    assert await loop.log(id) == ["Step 1: Reaching", "about to fail with password=[redacted]"]
    retry = RetryTask(task_id=id, drawn_at=sequence, **loop.common())  # type: ignore[arg-type]
    await loop.ask(retry)
    moved = await loop.answer(retry.request_id)
    assert isinstance(moved.body, MovedBody)

    async def second() -> TaskState | None:
        now, _ = await loop.task(id)
        return now if now.status == "succeeded" else None

    state = await eventually(second)
    assert state.attempt == 2
    again = RetryTask(task_id=id, drawn_at=sequence, **loop.common())  # type: ignore[arg-type]
    await loop.ask(again)
    refused = await loop.answer(again.request_id)
    assert isinstance(refused.body, RefusedBody)
    assert refused.body.reason == "button_outdated"


async def test_a_bug_is_one_sentence_and_its_traceback_is_only_in_the_log(loop: Loop) -> None:
    """The user reads a sentence; the traceback is in the log."""
    id = await loop.run("buggy")
    state, _ = await loop.ended(id)
    assert state.failure is not None
    assert "ZeroDivisionError" in state.failure.sentence
    assert "Traceback" not in state.failure.sentence
    assert any("Traceback" in line for line in await loop.log(id))


async def test_a_handler_that_blocks_for_ever_is_stopped_by_its_timeout(loop: Loop) -> None:
    """The runner is killed however it blocks, the task fails with what to do, and the next task runs."""
    id = await loop.run("blocking")
    state, _ = await loop.ended(id)
    assert state.failure is not None
    assert state.failure.code == "timeout"
    assert (await loop.ended(await loop.run("steady")))[0].status == "succeeded"


async def test_a_lost_runner_resumes_after_its_finished_steps(loop: Loop, tmp_path: Path) -> None:
    """An idempotent task whose process dies is taken up again; finished steps are not run twice."""
    id = await loop.run("dying")
    state, _ = await loop.ended(id)
    assert state.status == "succeeded"
    assert state.attempt == 1
    assert state.fence == 2
    assert state.result is not None
    assert state.result.summary == "kept 7"
    assert (tmp_path / "marker").read_text().split() == ["first", "second", "second"]


async def test_two_tasks_of_one_target_run_one_after_the_other(loop: Loop) -> None:
    """The second waits for the first, whatever it is; another target does not wait."""
    first = await loop.run("reporting")
    # Requests are decided side by side; one is before the other only once it has become a task.
    await eventually(lambda: found_open(loop, first))
    second = await loop.run("steady")
    other = await loop.run("steady", "tampa")
    ends = [(await loop.ended(id))[0] for id in (first, second, other)]
    assert ends[0].ended_at is not None
    assert ends[1].started_at is not None
    assert ends[2].ended_at is not None
    assert ends[1].started_at >= ends[0].ended_at > ends[2].ended_at
    queued = (await loop.events(second))[0][1]
    assert queued.behind is not None
    assert queued.behind.task_id == first


async def test_an_equal_request_joins_the_running_task(loop: Loop) -> None:
    """The second click is told about the task that runs, and starts nothing."""
    first = await loop.run("reporting")
    await eventually(lambda: found_open(loop, first))
    answer = await loop.answer(await loop.run("reporting"))
    assert isinstance(answer.body, RefusedBody)
    assert answer.body.reason == "already_running"
    assert answer.body.task_id == first


async def found_open(loop: Loop, id: str) -> bool | None:
    return bool(await loop.events(id)) or None


async def test_progress_is_reported_in_between_and_never_backwards(loop: Loop) -> None:
    """A task without steps moves its percentage by events of its own."""
    id = await loop.run("reporting")
    await loop.ended(id)
    percents = [state.percent for name, state in await loop.events(id) if name == "progressed"]
    assert percents == sorted(percents)
    assert 45 in percents


async def test_a_status_card_shows_the_tasks_started_from_it(loop: Loop) -> None:
    """A click on a card starts the task of the card's target, and the card is updated with it."""
    card = await loop.ask(ShowStatus(target="naples", **loop.common()))  # type: ignore[arg-type]
    answer = await loop.answer(card)
    assert isinstance(answer.body, StatusBody)
    assert answer.visibility == "conversation"
    id = await loop.run("steady", "", card=card)
    state, _ = await loop.ended(id)
    assert state.target == "naples"

    async def shown() -> str | None:
        body = (await loop.answer(card)).body
        assert isinstance(body, StatusBody)
        done = [run for run in body.runs if run.status == "succeeded"]
        return done[0].task_id if done else None

    assert await eventually(shown) == id


async def test_a_card_and_a_completion_carry_numbers_and_late_ones_correct_them(
    bus: Bus, subjects: Subjects, loop: Loop
) -> None:
    """What is served in time is shown at once; without an answer it is unavailable, and corrected when it comes."""
    card = await loop.ask(ShowStatus(target="naples", **loop.common()))  # type: ignore[arg-type]
    body = (await loop.answer(card)).body
    assert isinstance(body, StatusBody)
    assert [one.state for one in body.measures] == ["unavailable"]

    async def value(question: MetricQuery) -> Measure:
        return Measure(metric=question.metric, title="Gain", unit="usd", state="value", value=4820.11)

    asked = endpoint("value", subjects.metric("value"), MetricQuery, value)
    serving = asyncio.create_task(
        service.serve(bus, name="metrics", version="1.0.0", description="test", endpoints=(asked,))
    )

    async def corrected() -> float | None:
        found = (await loop.answer(card)).body
        assert isinstance(found, StatusBody)
        return found.measures[0].value or None

    assert await eventually(corrected) == 4820.11
    state, _ = await loop.ended(await loop.run("steady", "tampa"))
    assert [one.value for one in state.measures] == [4820.11]
    serving.cancel()
    await asyncio.wait([serving])


async def test_names_nobody_knows_get_the_nearest(loop: Loop) -> None:
    """A misspelt dealer or task is named, with what was probably meant."""
    answer = await loop.answer(await loop.run("steady", "naplse"))
    assert isinstance(answer.body, UnknownNameBody)
    assert (answer.body.what, answer.body.given, answer.body.nearest[0]) == ("target", "naplse", "naples")
    answer = await loop.answer(await loop.run("staedy"))
    assert isinstance(answer.body, UnknownNameBody)
    assert answer.body.nearest[0] == "steady"


async def test_a_request_that_waited_too_long_is_answered_and_never_run(loop: Loop) -> None:
    """Older than start_within: told to click again."""
    fields = loop.common() | {"asked_at": datetime.now(UTC) - timedelta(minutes=11)}
    answer = await loop.answer(await loop.ask(RunTask(task="steady", target="naples", **fields)))  # type: ignore[arg-type]
    assert isinstance(answer.body, RefusedBody)
    assert answer.body.reason == "too_late"


async def test_another_conversation_cannot_use_a_button(loop: Loop) -> None:
    """A pointer to a task of another channel opens nothing."""
    id = await loop.run("steady")
    await loop.ended(id)
    fields = loop.common() | {"conversation": Conversation("T1", "C2")}
    answer = await loop.answer(await loop.ask(ShowLogs(task_id=id, **fields)))  # type: ignore[arg-type]
    assert isinstance(answer.body, RefusedBody)
    answer = await loop.answer(await loop.ask(ShowLogs(task_id=id, **loop.common())))  # type: ignore[arg-type]
    assert isinstance(answer.body, LogsBody)
