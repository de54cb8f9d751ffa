"""Sensitive tasks: decided at the click and again at the start, and never allowed by want of an answer."""

import pytest

from integration.orchestrator.loop import ALICE, Loop
from integration.orchestrator.serving import REFUSED, UNKNOWN, VERIFIED, identities, serving
from opsloop_common.answers import RefusedBody, StatusBody
from opsloop_common.bus import Bus
from opsloop_common.commands import RetryTask, ShowStatus
from opsloop_common.people import Identity, IdentityReason
from opsloop_common.subjects import Subjects


async def test_a_verified_person_may(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """The task runs, in their name."""
    async with serving(bus, identities(subjects, lambda user: VERIFIED)):
        state, _ = await loop.ended(await loop.run("secret"))
    assert (state.status, state.requested_by) == ("succeeded", ALICE)


@pytest.mark.parametrize(
    ("identity", "reason", "why"),
    [(REFUSED, "not_verified", "unverified_email"), (UNKNOWN, "no_identity", "no_answer")],
)
async def test_anybody_else_is_denied_at_the_click(
    bus: Bus, subjects: Subjects, loop: Loop, identity: Identity, reason: str, why: IdentityReason
) -> None:
    """A definite no and no answer are both a no, told to that person alone."""
    async with serving(bus, identities(subjects, lambda user: identity)):
        id = await loop.run("secret")
        answer = await loop.answer(id)
    assert isinstance(answer.body, RefusedBody)
    assert (answer.body.reason, answer.body.identity, answer.visibility) == (reason, why, "private")
    stored = await bus.last(subjects.stream("EVT"), subjects.events_of(id))
    assert stored is not None
    assert stored.subject.endswith(".denied")


async def test_nobody_to_ask_is_a_no(loop: Loop) -> None:
    """Without a service that knows people a sensitive task starts for nobody."""
    answer = await loop.answer(await loop.run("secret"))
    assert isinstance(answer.body, RefusedBody)
    assert answer.body.reason == "no_identity"


async def test_rights_lost_between_click_and_start_are_lost(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """The task waited in line; as it is to start it is looked at again, and fails with words."""
    answers = [VERIFIED]
    async with serving(bus, identities(subjects, lambda user: answers[0])):
        first = await loop.run("patient")
        _, sequence = await loop.status(first, "running")
        second = await loop.run("secret")
        await loop.status(second, "queued")
        answers[0] = REFUSED
        await loop.cancel(first, sequence)
        state, _ = await loop.ended(second)
    assert (state.status, state.started_at) == ("failed", None)
    assert state.failure is not None
    assert state.failure.code == "not_permitted"
    assert "Ask the owner of #ops." in state.failure.sentence


async def test_a_retry_is_decided_anew(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """Whoever may no longer run the task may not retry it either."""
    answers = [VERIFIED]
    async with serving(bus, identities(subjects, lambda user: answers[0])):
        first = await loop.run("patient")
        _, running_at = await loop.status(first, "running")
        second = await loop.run("secret")
        await loop.status(second, "queued")
        answers[0] = REFUSED
        await loop.cancel(first, running_at)
        _, sequence = await loop.ended(second)
        fields = loop.common()
        answer = await loop.answer(await loop.ask(RetryTask(task_id=second, drawn_at=sequence, **fields)))  # type: ignore[arg-type]
        assert isinstance(answer.body, RefusedBody)
        assert answer.body.reason == "not_verified"
        answers[0] = VERIFIED
        again = RetryTask(task_id=second, drawn_at=sequence, **loop.common())  # type: ignore[arg-type]
        await loop.ask(again)
        state, _ = await loop.status(second, "succeeded")
    assert state.attempt == 2


async def test_the_status_card_offers_what_this_person_may_run(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """A sensitive task is offered to a verified person alone."""
    for identity, is_offered in ((VERIFIED, True), (REFUSED, False)):
        async with serving(bus, identities(subjects, lambda user, who=identity: who)):  # type: ignore[misc]
            fields = loop.common()
            answer = await loop.answer(await loop.ask(ShowStatus(target="naples", **fields)))  # type: ignore[arg-type]
        assert isinstance(answer.body, StatusBody)
        assert ("secret" in {offer.task for offer in answer.body.offers}) is is_offered
