"""Follow-ups: what a task starts when it has succeeded, and in whose name."""

from integration.orchestrator.loop import ALICE, Loop, eventually
from integration.orchestrator.serving import REFUSED, UNKNOWN, VERIFIED, identities, serving
from opsloop_common.answers import AnswerState, RefusedBody
from opsloop_common.bus import Bus
from opsloop_common.events import TaskState
from opsloop_common.subjects import Subjects


async def followed(loop: Loop, id: str) -> TaskState:
    await loop.ended(id)

    async def find() -> TaskState | None:
        state, _ = await loop.task(id)
        return state if state.follow_ups else None

    return await eventually(find)


async def test_each_follow_up_is_a_task_of_its_own_linked_both_ways(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """The chain runs in the catalogue's order, in the name of the person who started it."""
    async with serving(bus, identities(subjects, lambda user: VERIFIED)):
        id = await loop.run("first")
        parent = await followed(loop, id)
        assert [(one.task, one.outcome) for one in parent.follow_ups] == [("steady", "started"), ("secret", "started")]
        ends = [(await loop.ended(one.task_id))[0] for one in parent.follow_ups]
    for child in ends:
        assert (child.status, child.requested_by, child.depth) == ("succeeded", ALICE, 1)
        assert child.parent is not None
        assert child.parent.task_id == id
    assert ends[0].ended_at is not None
    assert ends[1].started_at is not None
    assert ends[0].ended_at <= ends[1].started_at
    assert parent.status == "succeeded"


async def test_a_sensitive_follow_up_is_refused_to_a_person_who_may_not(
    bus: Bus, subjects: Subjects, loop: Loop
) -> None:
    """Everybody sees it on the card before; the person is told why, alone. The others start."""
    async with serving(bus, identities(subjects, lambda user: REFUSED)):
        id = await loop.run("first")
        parent = await followed(loop, id)
        started, denied = parent.follow_ups
        assert (started.outcome, denied.outcome, denied.reason) == ("started", "denied", "unverified_email")
        answer: AnswerState = await loop.answer(denied.task_id)
    assert (answer.to, answer.visibility) == (ALICE, "private")
    assert isinstance(answer.body, RefusedBody)
    assert (answer.body.reason, answer.body.task, answer.body.contact) == (
        "not_verified",
        "secret",
        "the owner of #ops",
    )


async def test_a_follow_up_waits_while_nobody_can_tell_who_it_is(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """It is queued and says what it waits for; once there is an answer it runs."""
    answers = [UNKNOWN]
    async with serving(bus, identities(subjects, lambda user: answers[0])):
        id = await loop.run("first")
        parent = await followed(loop, id)
        child = parent.follow_ups[1].task_id

        async def holds() -> TaskState | None:
            state, _ = await loop.task(child)
            return state if state.holds_for else None

        assert (await eventually(holds)).status == "queued"
        answers[0] = VERIFIED
        assert (await loop.ended(child))[0].status == "succeeded"


async def test_an_equal_task_is_joined_instead_of_started_twice(loop: Loop) -> None:
    """A follow-up that is queued already is not queued again; the card links to that one."""
    id = await loop.run("first")
    await loop.status(id, "running")
    steady = await loop.run("steady")
    parent = await followed(loop, id)
    assert (parent.follow_ups[0].outcome, parent.follow_ups[0].task_id) == ("joined", steady)
    await loop.ended(steady)


async def test_a_failed_task_starts_nothing(loop: Loop) -> None:
    """Follow-ups are for success."""
    id = await loop.run("buggy")
    state, _ = await loop.ended(id)
    assert (state.status, state.follow_ups) == ("failed", ())
