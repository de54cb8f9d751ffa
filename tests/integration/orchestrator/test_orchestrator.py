"""The orchestrator with a real broker and real runner processes."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integration.orchestrator.loop import PACKS, Loop, eventually
from opsloop_common import service
from opsloop_common.answers import LogsBody, MovedBody, RefusedBody, StatusBody, UnknownNameBody
from opsloop_common.bus import Bus
from opsloop_common.commands import RetryTask, RunTask, ShowLogs, ShowStatus
from opsloop_common.events import TaskState
from opsloop_common.measures import Measure, MetricQuery
from opsloop_common.people import Conversation
from opsloop_common.service import endpoint
from opsloop_common.subjects import Subjects
from opsloop_orchestrator.runners import RunnerPool
from waiting import until


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


async def test_a_runner_that_is_being_started_ends_with_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before its task packs were loaded: it is not left behind."""
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def keep(*words: str, **options: object) -> asyncio.subprocess.Process:
        process = await start(*words, **options)  # type: ignore[arg-type] # as the pool calls it
        started.append(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", keep)
    pool = RunnerPool(1, {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKS)})
    running = asyncio.create_task(pool.run())
    await until(lambda: len(started) == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert started[0].returncode == -signal.SIGKILL
