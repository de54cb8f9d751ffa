"""Tasks that may happen once only, and whose process is lost: what can be found out, and what a person says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker import NatsServer
from integration.orchestrator.loop import BOB, Loop, eventually
from integration.orchestrator.replicas import Replicas, replicas_at
from opsloop_common.answers import RefusedBody
from opsloop_common.bus import Bus
from opsloop_common.commands import ConfirmHappened, RetryTask, RunAgain

TASKS = """
[access]
owners = ["U9"]
[tasks.mortal]
title = "Mortal"
run_by = ["*"]
[tasks.mortal_early]
title = "Mortal, dies before its effect"
run_by = ["*"]
settings = { before = true }
[tasks.mortal_probe_dies]
title = "Mortal, as is its probe"
run_by = ["*"]
settings = { probe = "dies" }
[tasks.mortal_probe_mute]
title = "Mortal, its probe says nothing"
run_by = ["*"]
probe_seconds = 0.5
settings = { probe = "is_mute" }
[tasks.mortal_probe_raises]
title = "Mortal, its probe is broken"
run_by = ["*"]
settings = { probe = "raises" }
[tasks.mortal_nobody_tells]
title = "Mortal, its probe cannot tell"
run_by = ["*"]
settings = { probe = "cannot_tell" }
[tasks.mortal_unprobed]
title = "Mortal, without a probe"
run_by = ["*"]
then = ["steady"]
[tasks.mortal_overdue]
title = "Hangs"
run_by = ["*"]
timeout_seconds = 3
settings = { how = "hangs", before = BEFORE, probe = "PROBE" }
[tasks.mortal_silent]
title = "Is silent"
run_by = ["*"]
heartbeat_seconds = 2
settings = { how = "hangs", before = BEFORE, probe = "PROBE" }
[tasks.mortal_broken]
title = "Breaks"
run_by = ["*"]
settings = { how = "breaks", before = BEFORE, probe = "PROBE" }
[tasks.effect_probed]
title = "An effect that can be looked for"
run_by = ["*"]
settings = { work_ms = WORK }
[tasks.steady]
title = "Steady"
effect = "idempotent"
run_by = ["*"]
"""


@pytest.fixture
async def replicas(tmp_path: Path, nats_server: NatsServer, bus: Bus) -> AsyncIterator[Replicas]:
    async with replicas_at(tmp_path, nats_server, bus) as running:
        yield running


async def names(loop: Loop, id: str) -> list[str]:
    return [name for name, _ in await loop.events(id)]


async def test_what_is_found_to_have_happened_has_succeeded_and_is_not_run_again(replicas: Replicas) -> None:
    """The process died after its effect; the probe finds it; the same attempt says how that was found out."""
    await replicas.start("first", tasks=tasks())
    id = await replicas.loop.run("mortal")
    state, _ = await replicas.loop.ended(id)
    assert (state.status, state.attempt, state.fence) == ("succeeded", 1, 2)
    assert state.result is not None
    assert "had taken effect before its process was lost" in state.result.summary
    assert replicas.marked.split("\n") == [f"effect {id}", "probe 2", ""]
    assert [task.probing for _, task in await replicas.loop.events(id)] == [False, False, True, True, False]


async def test_what_is_found_not_to_have_happened_runs_again_in_the_same_attempt(replicas: Replicas) -> None:
    """The process died before its effect: one effect in the end."""
    await replicas.start("first", tasks=tasks())
    id = await replicas.loop.run("mortal_early")
    state, _ = await replicas.loop.ended(id)
    assert (state.status, state.attempt, state.fence) == ("succeeded", 1, 3)
    assert replicas.marked.split("\n") == ["probe 2", f"effect {id}", ""]


async def test_a_probe_whose_process_is_lost_is_asked_again(replicas: Replicas) -> None:
    """The question stands in the state, not in a process."""
    await replicas.start("first", tasks=tasks())
    id = await replicas.loop.run("mortal_probe_dies")
    state, _ = await replicas.loop.ended(id)
    assert state.status == "succeeded"
    assert replicas.marked.split("\n") == [f"effect {id}", "probe 2", "probe 3", ""]


@pytest.mark.parametrize("task", ["mortal_probe_mute", "mortal_probe_raises", "mortal_nobody_tells", "mortal_unprobed"])
async def test_what_cannot_be_found_out_is_unknown_and_not_run_again(replicas: Replicas, task: str) -> None:
    """No answer in time, no answer at all, no probe: a person has to look."""
    await replicas.start("first", tasks=tasks())
    id = await replicas.loop.run(task)
    state, _ = await replicas.loop.ended(id)
    assert (state.status, state.attempt, state.is_settled) == ("unknown", 1, True)
    assert state.failure is not None
    assert "may or may not" in state.failure.sentence
    assert replicas.marked.count("effect") == 1


ENDS = pytest.mark.parametrize(
    ("task", "code"), [("mortal_overdue", "timeout"), ("mortal_silent", "heartbeat"), ("mortal_broken", "bug")]
)
"""How a task ends in the middle of its work while its orchestrator lives."""


def tasks(*, before: bool = False, probe: str = "") -> str:
    return TASKS.replace("BEFORE", str(before).lower()).replace("PROBE", probe)


@ENDS
async def test_what_was_stopped_after_its_effect_has_succeeded(replicas: Replicas, task: str, code: str) -> None:
    """Out of time, silent, broken: the probe is asked before anybody is."""
    await replicas.start("first", tasks=tasks(before=False))
    id = await replicas.loop.run(task)
    state, _ = await replicas.loop.ended(id)
    assert (state.status, state.attempt, state.fence) == ("succeeded", 1, 2)
    assert state.result is not None
    assert "had taken effect before it was stopped" in state.result.summary
    assert replicas.marked.split("\n") == [f"effect {id}", "probe 2", ""]


@ENDS
async def test_what_was_stopped_before_its_effect_has_failed(replicas: Replicas, task: str, code: str) -> None:
    """As what it was, and it can be retried: once more its effect, and once only."""
    await replicas.start("first", tasks=tasks(before=True))
    id = await replicas.loop.run(task)
    state, sequence = await replicas.loop.ended(id)
    assert state.failure is not None
    assert (state.status, state.failure.code, state.attempt) == ("failed", code, 1)
    assert "had not taken effect" in state.failure.sentence
    assert "effect" not in replicas.marked.replace("probe", "")
    await replicas.loop.ask(RetryTask(task_id=id, drawn_at=sequence, **replicas.loop.common()))  # type: ignore[arg-type]

    async def done() -> bool | None:
        return (await replicas.loop.task(id))[0].status == "succeeded" or None

    await eventually(done)
    assert replicas.marked.split("\n") == ["probe 2", f"effect {id}", ""]


@ENDS
async def test_what_was_stopped_is_unknown_where_its_probe_cannot_tell(
    replicas: Replicas, task: str, code: str
) -> None:
    """For the reason for which it was stopped."""
    await replicas.start("first", tasks=tasks(before=False, probe="cannot_tell"))
    state, _ = await replicas.loop.ended(await replicas.loop.run(task))
    assert state.failure is not None
    assert (state.status, state.failure.code, state.is_settled) == ("unknown", code, True)
    assert "may or may not" in state.failure.sentence


@pytest.mark.parametrize(("work_ms", "fence"), [(300, 2), (20_000, 3)])
async def test_an_outside_system_is_asked_what_it_did(replicas: Replicas, work_ms: int, fence: int) -> None:
    """Every orchestrator is killed, after the effect or before it; the outside system sees one effect in the end."""
    await replicas.start("first", work_ms=work_ms, tasks=tasks())
    id = await replicas.loop.run("effect_probed")

    async def at_work() -> bool | None:
        return "Step 1: Effect" in await replicas.loop.log(id) or None

    await eventually(at_work)
    if work_ms < 1000:
        await replicas.effects()
    await replicas.end("first")
    await replicas.start("second", tasks=tasks())
    state, _ = await replicas.loop.ended(id)
    assert state.status == "succeeded"
    assert [one.effect for one in await replicas.effects()].count(True) == 1
    assert fence - 1 <= state.fence <= fence


async def test_a_person_says_that_it_happened_and_what_follows_starts(replicas: Replicas) -> None:
    """Once: the second who clicks is told that the button is used up, privately. Nothing is run again."""
    await replicas.start("first", tasks=tasks())
    loop = replicas.loop
    id = await loop.run("mortal_unprobed")
    _, sequence = await loop.ended(id)
    asked = ConfirmHappened(task_id=id, drawn_at=sequence, **loop.common())  # type: ignore[arg-type]
    await loop.ask(asked)
    state, _ = await loop.status(id, "succeeded")
    assert state.confirmed_by == asked.actor
    for struct in (ConfirmHappened, RunAgain):
        again = struct(task_id=id, drawn_at=sequence, **loop.common())  # type: ignore[arg-type]
        await loop.ask(again)
        answer = await loop.answer(again.request_id)
        assert isinstance(answer.body, RefusedBody)
        assert (answer.body.reason, answer.visibility) == ("button_outdated", "private")

    async def followed() -> str | None:
        follow_ups = (await loop.task(id))[0].follow_ups
        return follow_ups[0].task_id if follow_ups else None

    assert (await loop.ended(await eventually(followed)))[0].status == "succeeded"
    assert replicas.marked.count("effect") == 1
    found = await names(loop, id)
    assert (found.count("unknown"), found.count("succeeded"), found.count("started")) == (1, 1, 1)


async def test_a_person_says_that_it_did_not_and_it_runs_as_the_next_attempt(replicas: Replicas) -> None:
    """Whoever started it or an owner may say so; a stranger is denied and nothing moves."""
    await replicas.start("first", tasks=tasks())
    loop = replicas.loop
    id = await loop.run("mortal_unprobed")
    _, sequence = await loop.ended(id)
    stranger = RunAgain(task_id=id, drawn_at=sequence, **(loop.common() | {"actor": BOB}))  # type: ignore[arg-type]
    await loop.ask(stranger)
    answer = await loop.answer(stranger.request_id)
    assert isinstance(answer.body, RefusedBody)
    assert answer.body.reason == "not_yours"
    await loop.ask(RunAgain(task_id=id, drawn_at=sequence, **loop.common()))  # type: ignore[arg-type]

    async def again() -> bool | None:
        state, _ = await loop.task(id)
        return (state.status, state.attempt) == ("succeeded", 2) or None

    await eventually(again)
    assert replicas.marked.count("effect") == 2
