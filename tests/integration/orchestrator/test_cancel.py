"""Cancelling: a queued task, a running one, one that does not listen, and one that was faster."""

from pathlib import Path

import pytest

from integration.orchestrator.loop import ALICE, BOB, Loop, eventually
from opsloop_common.answers import MovedBody, RefusedBody


async def test_a_running_task_is_told_and_may_clean_up(loop: Loop, tmp_path: Path) -> None:
    """The handler hears of it where it waits; the card says who cancelled it, after which step."""
    id = await loop.run("patient")
    _, sequence = await loop.status(id, "running")

    async def waits() -> bool | None:
        marker = tmp_path / "marker"
        return True if marker.exists() and "waiting" in marker.read_text() else None

    await eventually(waits)
    asked = await loop.cancel(id, sequence)
    state, _ = await loop.ended(id)
    assert (state.status, state.cancelled_by, state.step) == ("cancelled", ALICE, "Ready")
    assert (tmp_path / "marker").read_text().split("\n")[:2] == ["waiting", "cleaned up"]
    assert (await loop.answer(asked)).body == MovedBody(task_id=id, event="cancel_requested")
    names = [name for name, _ in await loop.events(id)]
    assert "cancel_requested" in names
    assert names[-1] == "cancelled"


@pytest.mark.parametrize(("task", "status"), [("stubborn", "cancelled"), ("stubborn_once", "unknown")])
async def test_a_task_that_does_not_listen_is_stopped_after_its_grace(loop: Loop, task: str, status: str) -> None:
    """What can be repeated is cancelled; what happens at most once may have happened, and says so."""
    id = await loop.run(task)
    _, sequence = await loop.status(id, "running")
    await loop.cancel(id, sequence)
    state, _ = await loop.ended(id)
    assert state.status == status
    assert bool(state.failure) == (status == "unknown")
    # Its target is free again.
    after, _ = await loop.ended(await loop.run("steady"))
    assert after.status == "succeeded"


async def test_a_queued_task_ends_at_once_and_makes_room(loop: Loop) -> None:
    """Nothing of it ever runs; those behind it move up."""
    first = await loop.run("patient")
    _, sequence = await loop.status(first, "running")
    second = await loop.run("steady")
    _, queued_at = await loop.status(second, "queued")
    third = await loop.run("reporting")

    async def third_is_second() -> bool | None:
        state, _ = await loop.status(third, "queued")
        return True if state.place == 2 else None

    await eventually(third_is_second)
    await loop.cancel(second, queued_at)
    state, _ = await loop.ended(second)
    assert (state.status, state.started_at, state.cancelled_by) == ("cancelled", None, ALICE)

    async def third_is_next() -> bool | None:
        state, _ = await loop.status(third, "queued")
        return True if state.place == 1 and state.behind and state.behind.task == "patient" else None

    await eventually(third_is_next)
    await loop.cancel(first, sequence)
    assert (await loop.ended(third))[0].status == "succeeded"


async def test_a_cancel_that_came_too_late_says_so(loop: Loop) -> None:
    """The task stays as it ended, and the person learns how."""
    id = await loop.run("steady")
    state, sequence = await loop.ended(id)
    answer = await loop.answer(await loop.cancel(id, sequence))
    assert isinstance(answer.body, RefusedBody)
    assert (answer.body.reason, answer.body.status) == ("cancel_too_late", "succeeded")
    assert (await loop.task(id))[0].status == state.status == "succeeded"


async def test_only_whoever_started_it_or_an_owner_may_cancel(loop: Loop) -> None:
    """Somebody else is told so, and the task goes on; an owner of the catalogue ends it."""
    id = await loop.run("patient")
    _, sequence = await loop.status(id, "running")
    answer = await loop.answer(await loop.cancel(id, sequence, actor=BOB))
    assert answer.body == RefusedBody(
        reason="not_yours", command="/opsloop", task="patient", target="naples", task_id=id,
        contact="the owner of #ops", owners=("U9",),
    )  # fmt: skip
    await loop.cancel(id, sequence, actor=type(BOB)("T1", "U9"))
    state, _ = await loop.ended(id)
    assert state.cancelled_by is not None
    assert state.cancelled_by.user == "U9"


async def test_a_cancel_delivered_twice_is_one(loop: Loop) -> None:
    """The second delivery only answers again."""
    id = await loop.run("patient")
    _, sequence = await loop.status(id, "running")
    fields = loop.common("twice")
    for _ in range(2):
        await loop.cancel(id, sequence, **fields)
    await loop.ended(id)
    assert [name for name, _ in await loop.events(id)].count("cancel_requested") == 1
