"""Whose names a message needs."""

import pytest

from opsloop_common.answers import (
    AnswerBody,
    CardRun,
    HelpBody,
    HomeBody,
    RefusedBody,
    StatusBody,
    TaskBody,
    TasksBody,
)
from opsloop_common.events import Behind, FollowUp, TaskState
from opsloop_notifier.people import named_in
from unit.notifier import states
from unit.notifier.states import BOB, QUEUED, RUNNING, answer, changed, row


@pytest.mark.parametrize(
    ("task", "users"),
    [
        (QUEUED, {"U0ALICE"}),
        (changed(QUEUED, behind=Behind("07-x", "t", BOB), place=1), {"U0ALICE", "U0BOB"}),
        (changed(RUNNING, cancelled_by=BOB), {"U0ALICE", "U0BOB"}),
        (changed(RUNNING, attempt=2, attempt_by=BOB), {"U0BOB"}),
        (
            changed(RUNNING, attempt_by=BOB, follow_ups=(FollowUp(task="t", task_id="07-d", outcome="denied"),)),
            {"U0ALICE", "U0BOB"},
        ),
    ],
)
def test_everybody_a_card_names_is_looked_up(task: TaskState, users: set[str]) -> None:
    """Who asked, who cancelled, whose task is in the way, who started the chain."""
    assert named_in(task) == users


@pytest.mark.parametrize(
    ("body", "users"),
    [
        (HelpBody(command="/d", offers=(), targets=()), set()),
        (StatusBody(target="t", title="T", offers=(), runs=(CardRun("07-x", "t", "queued", BOB, 1),)), {"U0BOB"}),
        (TasksBody(command="/d", running=(row(),), queued=(row(by=states.ALICE),)), {"U0ALICE", "U0BOB"}),
        (TasksBody(command="/d", ended=(row(),)), {"U0BOB"}),
        (TaskBody(row=row()), {"U0BOB"}),
        (HomeBody(command="/d", open=(row(),), ended=(row(by=states.ALICE),)), {"U0ALICE", "U0BOB"}),
        (RefusedBody(reason="not_yours", command="/d", owners=("U0BOB",)), {"U0BOB"}),
    ],
)
def test_everybody_an_answer_names_is_looked_up(body: AnswerBody, users: set[str]) -> None:
    """Whoever stands in a row, and whoever may be asked."""
    assert named_in(answer(body)) == users
