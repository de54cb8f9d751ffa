"""The policy, as a table of states and what may follow."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from opsloop_common import catalogue, codec
from opsloop_common.answers import AnswerState, HelpBody, RefusedBody, StatusBody, UnknownNameBody
from opsloop_common.catalogue import Catalogue
from opsloop_common.commands import CancelTask, RetryTask, RunTask, ShowHelp, ShowStatus
from opsloop_common.events import Failure, TaskState
from opsloop_common.people import Conversation, Identity, Person
from opsloop_common.task import Result
from opsloop_orchestrator import cards, decide, moves, rights
from opsloop_orchestrator.answering import Answer
from opsloop_orchestrator.decide import Known
from opsloop_orchestrator.moves import Move

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALICE = Person("T1", "U1")
OWNER = Person("T1", "U9")
OPS = Conversation("T1", "C1")
CATALOGUE: Catalogue = catalogue.parse(
    """
    [access]
    owners = ["U9", "chief@naples.example"]
    contact = "the owner of #ops"
    [tasks.fix]
    title = "Fix"
    effect = "idempotent"
    run_by = ["*"]
    [tasks.once]
    title = "Once"
    run_by = ["U2"]
    [tasks.secret]
    title = "Secret"
    sensitive = true
    run_by = ["*"]
    [targets.naples-honda]
    title = "Naples Honda"
    """,
    "test.toml",
)


def asked_run(task: str = "fix", target: str = "naples-honda", card: str = "") -> RunTask:
    return RunTask(
        request_id="07-aaaaaaaaaaaaaaaaaaaa",
        actor=ALICE,
        conversation=OPS,
        asked_at=NOW,
        answer_url="https://hooks.slack.com/x",
        task=task,
        target=target,
        card=card,
    )


def asked_retry(drawn_at: int = 9, actor: Person = OWNER) -> RetryTask:
    return RetryTask(
        request_id="07-bbbbbbbbbbbbbbbbbbbb",
        actor=actor,
        conversation=OPS,
        asked_at=NOW,
        task_id="07-aaaaaaaaaaaaaaaaaaaa",
        drawn_at=drawn_at,
    )


def queued() -> TaskState:
    move = decide.decide(asked_run(), Known(catalogue=CATALOGUE), NOW)
    assert isinstance(move, Move)
    return move.state


def running() -> TaskState:
    return moves.start(queued(), CATALOGUE.tasks["fix"], "me", NOW).state


def failed() -> TaskState:
    return moves.failed(running(), Failure(code="x", sentence="It broke."), NOW).state


def reason(answer: Move | Answer) -> str:
    assert isinstance(answer, Answer)
    assert isinstance(answer.state.body, RefusedBody)
    return answer.state.body.reason


def test_a_run_request_becomes_a_task_named_by_the_request() -> None:
    """The task has the request's id, names and person."""
    state = queued()
    assert (state.id, state.task, state.target, state.requested_by) == (
        asked_run().request_id,
        "fix",
        "naples-honda",
        ALICE,
    )


def test_names_are_found_whatever_their_case() -> None:
    """Phones capitalise the first letter."""
    assert isinstance(decide.decide(asked_run("Fix", "Naples-Honda"), Known(catalogue=CATALOGUE), NOW), Move)


@pytest.mark.parametrize(("task", "target", "what"), [("fxi", "naples-honda", "task"), ("fix", "naples", "target")])
def test_an_unknown_name_is_answered_with_the_nearest(task: str, target: str, what: str) -> None:
    """The answer is private and names what was given."""
    answer = decide.decide(asked_run(task, target), Known(catalogue=CATALOGUE), NOW)
    assert isinstance(answer, Answer)
    assert isinstance(answer.state.body, UnknownNameBody)
    assert answer.state.body.what == what
    assert answer.state.visibility == "private"


@pytest.mark.parametrize(("task", "why"), [("once", "not_permitted"), ("secret", "no_identity")])
def test_a_person_without_a_rule_is_denied(task: str, why: str) -> None:
    """Deny unless a rule allows; a sensitive task is denied while nobody can be verified."""
    answer = decide.decide(asked_run(task), Known(catalogue=CATALOGUE), NOW)
    assert reason(answer) == why
    assert isinstance(answer, Answer)
    assert answer.event == "denied"


def test_a_card_of_another_conversation_starts_nothing() -> None:
    """A forged pointer to somebody else's card is refused."""
    card = decide.decide(
        ShowStatus(request_id="07-c", actor=ALICE, conversation=OPS, asked_at=NOW, target="naples-honda"),
        Known(catalogue=CATALOGUE),
        NOW,
    )
    assert isinstance(card, Answer)
    foreign = replace(card.state, conversation=Conversation("T1", "C2"))
    assert (
        reason(decide.decide(asked_run(card="07-c"), Known(catalogue=CATALOGUE, card=foreign), NOW)) == "button_unknown"
    )
    assert isinstance(decide.decide(asked_run(card="07-c"), Known(catalogue=CATALOGUE, card=card.state), NOW), Move)


def test_retry_keeps_the_request_and_starts_over() -> None:
    """Attempt 2 has the parameters of the first, no trace of its progress, and names who clicked."""
    move = decide.decide(asked_retry(), Known(catalogue=CATALOGUE, task=failed(), sequence=9), NOW)
    assert isinstance(move, Move)
    state = move.state
    assert (state.status, state.attempt, state.percent, state.failure, state.steps) == ("queued", 2, 0, None, ())
    assert (state.requested_by, state.tried_by.user) == (ALICE, "U9")


def test_a_retry_by_somebody_else_is_denied_unless_they_own_it() -> None:
    """The person who started it may, an owner may, by user id or as a verified address; nobody else."""
    known = Known(catalogue=CATALOGUE, task=failed(), sequence=9)
    assert isinstance(decide.decide(asked_retry(actor=ALICE), known, NOW), Move)
    stranger = asked_retry(actor=Person("T1", "U3"))
    assert reason(decide.decide(stranger, known, NOW)) == "not_yours"
    assert decide.asks_who(stranger, known)
    chief = replace(known, identity=Identity(state="verified", email="chief@naples.example"))
    assert isinstance(decide.decide(stranger, chief, NOW), Move)
    other = replace(known, identity=Identity(state="refused", reason="banned", email="chief@naples.example"))
    assert reason(decide.decide(stranger, other, NOW)) == "not_yours"


def cancel(actor: Person = ALICE, drawn_at: int = 9) -> CancelTask:
    return CancelTask(
        request_id="07-cccccccccccccccccccc",
        actor=actor,
        conversation=OPS,
        asked_at=NOW,
        task_id="07-a",
        drawn_at=drawn_at,
    )


@pytest.mark.parametrize(
    ("state", "event", "status"),
    [(queued(), "cancelled", "cancelled"), (running(), "cancel_requested", "running")],
)
def test_a_cancel_ends_what_waits_and_asks_what_runs(state: TaskState, event: str, status: str) -> None:
    """The state names who wanted it."""
    move = decide.decide(cancel(), Known(catalogue=CATALOGUE, task=state, sequence=9), NOW)
    assert isinstance(move, Move)
    assert (move.event, move.state.status, move.state.cancelled_by) == (event, status, ALICE)


def test_a_cancel_button_of_an_earlier_attempt_is_refused() -> None:
    """A card that was drawn before the retry stops nothing."""
    retried = decide.decide(asked_retry(), Known(catalogue=CATALOGUE, task=failed(), sequence=9), NOW)
    assert isinstance(retried, Move)
    known = Known(catalogue=CATALOGUE, task=retried.state, sequence=12)
    assert reason(decide.decide(cancel(drawn_at=9), known, NOW)) == "button_outdated"
    assert isinstance(decide.decide(cancel(drawn_at=10), known, NOW), Move)


@pytest.mark.parametrize(
    ("identity", "verdict"),
    [
        (None, "no_identity"),
        (Identity(state="unknown", reason="no_answer"), "no_identity"),
        (Identity(state="refused", reason="banned"), "not_verified"),
        (Identity(state="refused", reason="banned", email="alice@naples.example"), "not_verified"),
        (Identity(state="verified"), "not_verified"),
        (Identity(state="verified", email="alice@naples.example"), ""),
    ],
)
def test_only_a_verified_person_may_run_a_sensitive_task(identity: Identity | None, verdict: str) -> None:
    """By every way that leads to it: words, a card's button, a retry."""
    no = rights.may_run(ALICE, CATALOGUE.tasks["secret"], identity)
    assert (no.reason if no else "") == verdict
    answer = decide.decide(asked_run("secret"), Known(catalogue=CATALOGUE, identity=identity), NOW)
    assert isinstance(answer, Answer) is bool(verdict)
    state = replace(failed(), task="secret")
    again = decide.decide(
        asked_retry(actor=ALICE), Known(catalogue=CATALOGUE, task=state, sequence=9, identity=identity), NOW
    )
    assert isinstance(again, Answer) is bool(verdict)


@pytest.mark.parametrize(
    ("state", "drawn_at", "why"),
    [(failed(), 8, "button_outdated"), (running(), 9, "button_outdated"), (queued(), 9, "button_outdated")],
)
def test_an_old_button_is_refused(state: TaskState, drawn_at: int, why: str) -> None:
    """A retry counts only for the state it was drawn from, and only once."""
    assert reason(decide.decide(asked_retry(drawn_at), Known(catalogue=CATALOGUE, task=state, sequence=9), NOW)) == why


def test_a_finished_task_cannot_be_retried() -> None:
    """Only a failure has a retry."""
    done = moves.succeeded(running(), Result(summary="ok"), NOW).state
    assert reason(decide.decide(asked_retry(), Known(catalogue=CATALOGUE, task=done, sequence=9), NOW)) == "not_failed"


def test_a_redelivered_retry_is_only_answered_again() -> None:
    """The request that moved the task before does not move it twice."""
    move = decide.decide(asked_retry(), Known(catalogue=CATALOGUE, task=failed(), sequence=9), NOW)
    assert isinstance(move, Move)
    again = decide.decide(asked_retry(), Known(catalogue=CATALOGUE, task=move.state, sequence=10), NOW)
    assert isinstance(again, Answer)
    assert again.state.visibility == "none"


def test_the_fence_grows_with_every_claim() -> None:
    """An attempt that was abandoned is claimed under a higher fence, as the same attempt."""
    first = running()
    again = moves.abandoned(first, "idempotent", NOW)
    assert (again.event, again.state.attempt) == ("queued", 1)
    second = moves.start(again.state, CATALOGUE.tasks["fix"], "other", NOW).state
    assert second.fence == first.fence + 1


def test_an_abandoned_at_most_once_task_is_never_run_again() -> None:
    """Nobody knows whether it took effect: it says so."""
    move = moves.abandoned(running(), "at_most_once", NOW)
    assert move.state.status == "unknown"
    assert move.state.failure is not None


def test_an_attempt_that_keeps_losing_its_process_fails() -> None:
    """After three lost processes the attempt fails instead of looping."""
    move = moves.abandoned(replace(running(), claims=3), "keyed", NOW)
    assert move.state.status == "failed"


def test_overdue_says_what_to_do() -> None:
    """A timeout names the limit and the setting that raises it."""
    state = moves.overdue(running(), CATALOGUE.tasks["fix"], NOW + timedelta(hours=1)).state
    assert state.failure is not None
    assert "300 s" in state.failure.sentence
    assert "timeout_seconds" in state.failure.sentence


@given(st.lists(st.integers(-1000, 1000)))
def test_progress_never_goes_back_and_stays_between_0_and_100(percents: list[int]) -> None:
    """Whatever a task reports."""
    state = running()
    for percent in percents:
        after = moves.progressed(state, percent).state
        assert state.percent <= after.percent <= 100
        state = after


@given(st.text(max_size=5000), st.lists(st.text(max_size=1000), max_size=50))
def test_a_result_is_bounded(summary: str, lines: list[str]) -> None:
    """No task can make its state larger than an event may be."""
    result = moves.succeeded(running(), Result(summary=summary, lines=tuple(lines)), NOW).state.result
    assert result is not None
    assert len(result.summary) <= moves.LONGEST_SENTENCE
    assert len(result.lines) <= moves.RESULT_LINES_KEPT


WIDE = st.text(alphabet=st.sampled_from("a\x00\U0001f680é"), min_size=1, max_size=900)


@given(st.lists(WIDE, max_size=60), WIDE, st.lists(WIDE, max_size=40), WIDE)
def test_every_state_fits_into_an_event(names: list[str], summary: str, lines: list[str], sentence: str) -> None:
    """However much a task says, and in whatever script, its events can be written."""
    state = running()
    for number, name in enumerate(names):
        state = moves.step_done(state, f"{number}{name}", number).state
        assert len(codec.encode(state)) <= moves.LARGEST_STATE
    done = moves.succeeded(state, Result(summary=summary, lines=tuple(lines)), NOW).state
    broken = moves.failed(state, Failure(code="x", sentence=sentence, step=summary), NOW).state
    assert max(len(codec.encode(done)), len(codec.encode(broken))) <= moves.LARGEST_STATE


def test_a_card_shows_a_task_once_and_never_an_older_state() -> None:
    """An event that is older than what the card shows changes nothing."""
    card = decide.decide(
        ShowStatus(request_id="07-c", actor=ALICE, conversation=OPS, asked_at=NOW, target="naples-honda"),
        Known(catalogue=CATALOGUE),
        NOW,
    )
    assert isinstance(card, Answer)
    shown = cards.on_card(card.state, running(), 5)
    assert isinstance(shown, AnswerState)
    assert cards.on_card(shown, running(), 5) is None
    assert cards.on_card(shown, queued(), 4) is None
    later = cards.on_card(shown, failed(), 7)
    assert isinstance(later, AnswerState)
    assert isinstance(later.body, StatusBody)
    assert [run.status for run in later.body.runs] == ["failed"]


def test_help_names_the_word_nobody_knows() -> None:
    """A misspelt verb is named, with everything there is."""
    asked = ShowHelp(request_id="07-d", actor=ALICE, conversation=OPS, asked_at=NOW, unknown_word="staus")
    answer = decide.decide(asked, Known(catalogue=CATALOGUE), NOW)
    assert isinstance(answer, Answer)
    assert isinstance(answer.state.body, HelpBody)
    assert answer.state.body.unknown_word == "staus"
