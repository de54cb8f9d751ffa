"""The policy, as a table of states and what may follow."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from opsloop_common import catalogue, codec
from opsloop_common.answers import AnswerState, HelpBody, RefusedBody, StatusBody, UnknownNameBody
from opsloop_common.catalogue import Catalogue, TaskType
from opsloop_common.commands import (
    AnyCommand,
    CancelTask,
    ConfirmHappened,
    RetryTask,
    RunAgain,
    RunTask,
    ShowHelp,
    ShowStatus,
)
from opsloop_common.events import Failure, TaskState
from opsloop_common.people import Conversation, Identity, Person
from opsloop_common.task import Result
from opsloop_orchestrator import cards, decide, doubts, moves, overruns, rights, tries
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
    [tasks.again]
    title = "Again"
    effect = "idempotent"
    run_by = ["*"]
    total_seconds = 60
    start_within_seconds = 30
    retry = { not_for = ["site_down"] }
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


def doubtful() -> TaskState:
    return moves.abandoned(running(), "at_most_once", NOW).state


def said(struct: type[ConfirmHappened | RunAgain], actor: Person = ALICE, drawn_at: int = 9) -> AnyCommand:
    return struct(
        request_id="07-eeeeeeeeeeeeeeeeeeee",
        actor=actor,
        conversation=OPS,
        asked_at=NOW,
        task_id="07-a",
        drawn_at=drawn_at,
    )


def test_a_person_says_that_it_happened() -> None:
    """The attempt counts as completed, the state says who said so, and asking again changes nothing."""
    move = decide.decide(said(ConfirmHappened), Known(catalogue=CATALOGUE, task=doubtful(), sequence=9), NOW)
    assert isinstance(move, Move)
    assert (move.event, move.state.status, move.state.attempt) == ("succeeded", "succeeded", 1)
    assert move.state.confirmed_by == ALICE
    again = decide.decide(said(ConfirmHappened), Known(catalogue=CATALOGUE, task=move.state, sequence=10), NOW)
    assert isinstance(again, Answer)
    assert again.state.visibility == "none"


def test_a_person_says_that_it_did_not_happen() -> None:
    """It runs again as the next attempt, in the name of whoever said so."""
    move = decide.decide(said(RunAgain, OWNER), Known(catalogue=CATALOGUE, task=doubtful(), sequence=9), NOW)
    assert isinstance(move, Move)
    assert (move.event, move.state.status, move.state.attempt, move.state.tried_by) == ("queued", "queued", 2, OWNER)


@pytest.mark.parametrize("struct", [ConfirmHappened, RunAgain])
def test_what_is_said_of_an_outcome_needs_the_newest_card_and_the_rights_of_a_retry(
    struct: type[ConfirmHappened | RunAgain],
) -> None:
    """An old button, a used one, a stranger, somebody who is not verified (any more): nothing moves."""
    known = Known(catalogue=CATALOGUE, task=doubtful(), sequence=9)
    assert reason(decide.decide(said(struct, drawn_at=8), known, NOW)) == "button_outdated"
    assert reason(decide.decide(said(struct), replace(known, task=running()), NOW)) == "button_outdated"
    assert reason(decide.decide(said(struct), replace(known, task=failed()), NOW)) == "not_failed"
    assert reason(decide.decide(said(struct, Person("T1", "U3")), known, NOW)) == "not_yours"
    secret = replace(known, task=replace(doubtful(), task="secret"))
    assert decide.asks_who(said(struct), secret)
    assert reason(decide.decide(said(struct), secret, NOW)) == "no_identity"
    verified = replace(secret, identity=Identity(state="verified", email="alice@naples.example"))
    assert isinstance(decide.decide(said(struct), verified, NOW), Move)


def test_an_unknown_outcome_is_not_retried_by_the_retry_button() -> None:
    """Running it again goes through the question whether it happened."""
    known = Known(catalogue=CATALOGUE, task=doubtful(), sequence=9)
    assert reason(decide.decide(asked_retry(actor=ALICE), known, NOW)) == "not_failed"


def test_a_failure_is_tried_again_as_often_as_the_catalogue_says() -> None:
    """Three tries with growing pauses; then it stays failed until a person retries, who gets three more."""
    kind = CATALOGUE.tasks["again"]
    task, pauses = failed(), []
    for _ in range(2):
        move = tries.or_again(Move("failed", task), kind, NOW)
        assert move.state.retry_at is not None
        pauses.append((move.state.retry_at - NOW).total_seconds())
        queued_again = tries.by_itself(move.state, 9, NOW).state
        task = replace(failed(), attempt=queued_again.attempt, tries=queued_again.tries)
    assert pauses == [2, 4]
    assert tries.or_again(Move("failed", task), kind, NOW).state == task
    person = decide.decide(asked_retry(), Known(catalogue=CATALOGUE, task=task, sequence=9), NOW)
    assert isinstance(person, Move)
    assert (person.state.attempt, person.state.tries) == (4, 1)


@pytest.mark.parametrize("code", ["site_down", "start_timeout", "not_permitted"])
def test_what_another_try_cannot_mend_is_not_tried_again(code: str) -> None:
    """The codes of the catalogue, and our own."""
    move = moves.failed(running(), Failure(code=code, sentence="No."), NOW)
    assert tries.or_again(move, CATALOGUE.tasks["again"], NOW).state.retry_at is None


def test_nothing_is_tried_again_after_the_time_for_all_tries() -> None:
    """A pause that would end too late is not begun."""
    kind = CATALOGUE.tasks["again"]
    late = NOW + timedelta(seconds=59)
    move = moves.failed(running(), Failure(code="x", sentence="No."), late)
    assert tries.or_again(move, kind, late).state.retry_at is None
    assert tries.or_again(move, kind, NOW).state.retry_at is not None


def test_cancelling_a_failed_task_that_waits_stops_the_retries() -> None:
    """It stays failed, says who stopped it, and Retry still works."""
    waiting = tries.or_again(Move("failed", failed()), CATALOGUE.tasks["again"], NOW).state
    known = Known(catalogue=CATALOGUE, task=waiting, sequence=9)
    move = decide.decide(cancel(), known, NOW)
    assert isinstance(move, Move)
    assert (move.event, move.state.status, move.state.retry_at) == ("given_up", "failed", None)
    assert move.state.cancelled_by == ALICE
    assert isinstance(decide.decide(asked_retry(actor=ALICE), known, NOW), Move)


TEN_MINUTES = timedelta(minutes=10)


def test_a_task_that_waits_its_turn_may_wait_longer_than_one_that_waits_for_room() -> None:
    """The hundredth in a line is not ended by the limit for a free runner; once it is its turn that limit counts."""
    kind = CATALOGUE.tasks["fix"]
    waiting = moves.queued_behind(queued(), running(), 99, NOW)
    hours = NOW + timedelta(hours=9)
    assert overruns.unstarted(waiting, kind, TEN_MINUTES, hours) is None
    first = moves.queued_behind(waiting, None, 0, hours)
    assert overruns.unstarted(first, kind, TEN_MINUTES, hours + timedelta(minutes=9)) is None
    move = overruns.unstarted(first, kind, TEN_MINUTES, hours + TEN_MINUTES)
    assert move is not None
    assert move.state.failure is not None
    assert move.state.failure.code == "start_timeout"
    assert overruns.unstarted(waiting, kind, TEN_MINUTES, NOW + timedelta(hours=24)) is not None


def test_a_limit_of_the_catalogue_counts_the_wait_in_line() -> None:
    """Whoever sets start_within_seconds means it."""
    kind = CATALOGUE.tasks["again"]
    waiting = moves.queued_behind(queued(), running(), 3, NOW)
    assert overruns.unstarted(waiting, kind, TEN_MINUTES, NOW + timedelta(seconds=29)) is None
    move = overruns.unstarted(waiting, kind, TEN_MINUTES, NOW + timedelta(seconds=30))
    assert move is not None
    assert move.state.failure is not None
    assert "fix was still ahead of it" in move.state.failure.sentence


def test_an_attempt_s_time_counts_from_its_start_whoever_goes_on_with_it() -> None:
    """A second process gets what is left, and none that is over is taken up."""
    kind = CATALOGUE.tasks["fix"]
    lost = moves.abandoned(running(), "idempotent", NOW + timedelta(seconds=200)).state
    second = moves.start(lost, kind, "other", NOW + timedelta(seconds=250)).state
    assert second.due_at == NOW + timedelta(seconds=300)
    over = overruns.unstarted(lost, kind, TEN_MINUTES, NOW + timedelta(seconds=300))
    assert over is not None
    assert over.state.failure is not None
    assert over.state.failure.code == "timeout"


@pytest.mark.parametrize("end", [overruns.running, overruns.silent])
def test_a_stopped_task_that_cannot_be_repeated_ends_unknown(
    end: Callable[[TaskState, TaskType, datetime], Move],
) -> None:
    """It was in the middle of its work: it is not said to have failed."""
    move = end(running(), CATALOGUE.tasks["secret"], NOW + timedelta(hours=1))
    assert move.event == "unknown"
    assert end(running(), CATALOGUE.tasks["fix"], NOW + timedelta(hours=1)).event == "failed"


def test_a_sign_of_life_ends_a_stall() -> None:
    """Progress and steps clear it; so does the end."""
    quiet = moves.stalled(running(), 30, NOW).state
    assert quiet.silent_since == NOW - timedelta(seconds=30)
    for move in (moves.progressed(quiet, 0), moves.step_done(quiet, "One", 10), moves.cancelled(quiet, NOW)):
        assert move.state.silent_since is None


def test_a_lost_task_with_a_probe_is_looked_at_before_a_person_is_asked() -> None:
    """Same attempt, a claim of its own; and after too many lost processes a person is asked all the same."""
    lost = moves.abandoned(running(), "at_most_once", NOW, has_probe=True)
    assert (lost.event, lost.state.probing, lost.state.attempt) == ("queued", True, 1)
    probing = moves.start(lost.state, CATALOGUE.tasks["secret"], "other", NOW).state
    assert probing.due_at == NOW + timedelta(seconds=30)
    assert moves.abandoned(replace(probing, claims=3), "at_most_once", NOW, has_probe=True).event == "unknown"
    assert doubts.found_done(probing, NOW).state.status == "succeeded"
    assert doubts.not_found_out(probing, NOW).state.status == "unknown"
    undone = doubts.found_undone(probing, NOW).state
    assert (undone.status, undone.attempt, undone.probing) == ("queued", 1, False)


def test_cancelling_a_lost_task_does_not_call_it_cancelled() -> None:
    """It may have taken effect before it was lost."""
    lost = moves.abandoned(running(), "at_most_once", NOW, has_probe=True).state
    move = decide.decide(cancel(), Known(catalogue=CATALOGUE, task=lost, sequence=9), NOW)
    assert isinstance(move, Move)
    assert move.event == "unknown"


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
    state = overruns.running(running(), CATALOGUE.tasks["fix"], NOW + timedelta(hours=1)).state
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
