"""What counts, as what, and never twice."""

from datetime import UTC, datetime

import pytest

from opsloop_common import codec
from opsloop_common.answers import AnswerBody, AnswerState, HelpBody, MovedBody, RefusedBody, UnknownNameBody
from opsloop_common.bus import Stored
from opsloop_common.commands import AnyCommand, CountClick, ShowHelp, ShowHome
from opsloop_common.events import Parent, TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.task import Result
from opsloop_metrics.tally import Tally, with_commands, with_events

AT = datetime(2026, 1, 1, tzinfo=UTC)
WHO = Person("T", "U")
WHERE = Conversation("T", "C")
ID = "07-aaaaaaaaaaaaaaaaaaaa"
MISSPELT = UnknownNameBody(what="target", given="x", nearest=(), command="/x")
REFUSED = RefusedBody(reason="too_late", command="/x")


def event(sequence: int, name: str, state: TaskState | AnswerState, caused_by: str = ID) -> Stored:
    kind = "task" if isinstance(state, TaskState) else "answer"
    message = codec.envelope(
        id="e", source="t", type=f"ops.{kind}.{name}.v1", time=AT, subject=ID, data=state, causedby=caused_by
    )
    return Stored(f"ops.evt.07.{ID}.{name}", sequence, codec.encode(message), AT)


def task(**changes: object) -> TaskState:
    fields: dict[str, object] = {
        "id": ID, "task": "fix", "target": "naples", "title": "N", "conversation": WHERE, "requested_by": WHO,
        "requested_at": AT, "status": "queued",
    }  # fmt: skip
    return TaskState(**(fields | changes))  # type: ignore[arg-type]


def answer(body: AnswerBody, verb: str = "run") -> AnswerState:
    return AnswerState(id=ID, to=WHO, conversation=WHERE, answered_at=AT, body=body, visibility="private", verb=verb)


@pytest.mark.parametrize(
    ("name", "state", "counted"),
    [
        ("queued", task(), "run accepted"),
        ("answered", answer(MovedBody(task_id=ID, event="queued"), "retry"), "retry accepted"),
        ("answered", answer(REFUSED, "cancel"), "cancel refused"),
        ("answered", answer(RefusedBody(reason="already_running", command="/x")), "run joined"),
        ("denied", answer(RefusedBody(reason="not_verified", command="/x")), "run denied"),
        (
            "answered",
            answer(UnknownNameBody(what="target", given="x", nearest=(), command="/x"), "status"),
            "status mistake",
        ),
        ("answered", answer(HelpBody(command="/x", offers=(), targets=(), unknown_word="q"), "help"), "help mistake"),
        ("answered", answer(HelpBody(command="/x", offers=(), targets=()), "help"), "help answered"),
    ],
)
def test_each_request_counts_as_what_became_of_it(name: str, state: TaskState | AnswerState, counted: str) -> None:
    """By type and outcome."""
    assert with_events(Tally(), [event(5, name, state)]) == Tally(events=5, actions={counted: 1})


@pytest.mark.parametrize(
    ("name", "state", "caused_by"),
    [
        ("queued", task(), ""),  # it was woken
        ("queued", task(attempt=2), "another"),
        ("queued", task(parent=Parent("p", "fix"), depth=1), "p"),
        ("started", task(status="running"), ID),
        ("updated", answer(REFUSED), ID),
        ("denied", answer(REFUSED, ""), ID),  # a follow-up nobody clicked
    ],
)
def test_what_nobody_asked_does_not_count(name: str, state: TaskState | AnswerState, caused_by: str) -> None:
    """Wakes, retries (their answer counts), follow-ups, progress."""
    assert with_events(Tally(), [event(5, name, state, caused_by)]).actions == {}


def test_what_was_counted_is_passed_over() -> None:
    """Delivered again, or read again, it adds nothing; what cannot be read is passed over too."""
    first = with_events(Tally(), [event(5, "queued", task())])
    bad = Stored("ops.evt.07.x.queued", 6, b"{", AT)
    assert with_events(first, [event(4, "queued", task()), event(5, "queued", task()), bad]) == Tally(
        events=6, actions={"run accepted": 1}
    )


def test_link_buttons_and_the_app_s_page_count_as_they_are_asked() -> None:
    """No event answers them. Other commands count by their event."""
    common = {"request_id": ID, "actor": WHO, "conversation": WHERE, "asked_at": AT}

    def stored(sequence: int, command: AnyCommand) -> Stored:
        type_ = codec.command_type(command)
        message = codec.envelope(id=ID, source="t", type=type_, time=AT, subject=ID, data=command)
        return Stored(f"ops.cmd.{type_.split('.')[2]}", sequence, codec.encode(message), AT)

    commands = [
        stored(1, CountClick(action="task.grafana", **common)),  # type: ignore[arg-type]
        stored(2, ShowHome(**common)),  # type: ignore[arg-type]
        stored(3, ShowHelp(**common)),  # type: ignore[arg-type]
    ]
    found = with_commands(Tally(), commands)
    assert found == Tally(commands=3, actions={"link answered": 1, "home answered": 1})
    assert with_commands(found, commands) == found


def test_the_newest_figure_of_a_target_stays() -> None:
    """Names that are none, or those of our own series, are not exported."""
    figures = {"ai_visibility_score": 71.5, "task_running": 9.0, "Bad Name": 1.0, "odd": float("nan")}
    states = [
        task(status="succeeded", result=Result(summary="ok", figures=figures)),
        task(status="succeeded", result=Result(summary="ok", figures={"ai_visibility_score": 72.0})),
        task(status="succeeded", target="tampa", result=Result(summary="ok", figures={"ai_visibility_score": 50.0})),
    ]
    found = with_events(Tally(), [event(place, "succeeded", state) for place, state in enumerate(states, 1)])
    assert found.figures == {"ai_visibility_score": {"naples": 72.0, "tampa": 50.0}}
