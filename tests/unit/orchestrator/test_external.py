"""What becomes of a report: pure, with every bound held."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from opsloop_common import codec
from opsloop_common.events import STATE_LIMIT_BYTES, TaskState
from opsloop_common.external import Link, OwnButton
from opsloop_common.people import Conversation
from opsloop_common.publishers import Publisher
from opsloop_common.reports import Fault, Report
from opsloop_orchestrator.external import silence
from opsloop_orchestrator.external.admit import Admitted, Incoming, Passed, Verdict, admit, is_news, text

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CI = Publisher(name="ci", title="Builds", workspace="T1", channels=("C1",), press_by=("*",))


def take(
    report: Report, task: TaskState | None = None, *, stored: int = 0, key: str = "", sequence: int = 7
) -> Verdict:
    at = NOW + timedelta(seconds=stored) if stored else None
    return admit(Incoming(report=report, key=key, stored_at=at, stored=stored), CI, "b7", task, sequence, NOW)


def taken(report: Report, task: TaskState | None = None, *, stored: int = 0) -> TaskState:
    verdict = take(report, task, stored=stored)
    assert isinstance(verdict, Admitted), verdict
    return verdict.state


BEGUN = taken(Report(title="Build 7", state="running", percent=40, buttons=(OwnButton("stop", "Stop"),)), stored=1)


def test_a_state_fits_into_its_event_whatever_is_said() -> None:
    """Everything at its limit, in the widest characters, forty steps."""
    wide = "\U0001f600"
    task: TaskState | None = None
    for number in range(45):
        task = taken(
            Report(
                title=wide * 200, state="running", step=f"{number}{wide * 190}", owner=wide * 200,
                links=tuple(Link(wide * 60, "https://" + "x" * 392) for _ in range(4)),
                buttons=tuple(OwnButton(f"{index}" * 32, wide * 60, "primary") for index in range(3)),
            ),
            task, stored=number + 1,
        )  # fmt: skip
    end = taken(Report(state="failed", error=wide * 4000), task, stored=99)
    for state in (task, end):
        payload = codec.encode(
            codec.envelope(id="x" * 20, source="opsloop/orchestrator", type="ops.task.reported.v1", time=NOW,
                           subject=BEGUN.id, data=state, causedby="x" * 24)
        )  # fmt: skip
        assert len(payload) <= STATE_LIMIT_BYTES


@pytest.mark.parametrize(
    ("report", "event"),
    [
        (Report(percent=50), "progressed"),
        (Report(percent=50, step="Tests"), "step"),
        (Report(title="Build 7b"), "reported"),
        (Report(state="queued"), "reported"),
        (Report(buttons=()), "reported"),
        (Report(state="succeeded"), "succeeded"),
        (Report(state="cancelled"), "cancelled"),
    ],
)
def test_the_event_says_what_changed(report: Report, event: str) -> None:
    """Lists follow the weightier ones alone, and nothing is ever `queued` or `started`, which would wake a worker."""
    verdict = take(report, BEGUN, stored=2)
    assert isinstance(verdict, Admitted)
    assert verdict.event == event


def test_the_bar_never_goes_back() -> None:
    """Nor does what was said before get lost."""
    state = taken(Report(percent=10, step="Again"), BEGUN, stored=2)
    assert (state.percent, state.external and state.external.title) == (40, "Build 7")


def test_older_and_known_events_pass() -> None:
    """By the stream's order, the publisher's own, or the event's id."""
    assert take(Report(percent=90), BEGUN, stored=1) == Passed("overtaken")
    numbered = taken(Report(percent=50, sequence=5), BEGUN, stored=2)
    assert take(Report(percent=90, sequence=5), numbered, stored=3) == Passed("overtaken")
    named = take(Report(percent=60), numbered, stored=3, key="e1")
    assert isinstance(named, Admitted)
    assert take(Report(percent=90), named.state, stored=4, key="e1") == Passed("duplicate")


def test_a_stream_that_was_made_anew_counts_from_one() -> None:
    """Its times tell that it is later."""
    assert BEGUN.external is not None
    late = replace(BEGUN, external=replace(BEGUN.external, stored=5000, stored_at=NOW))
    assert isinstance(take(Report(percent=90), late, stored=1), Admitted)


def test_buttons_end_with_the_task_and_old_ones_are_known() -> None:
    """Unless the last event brings its own."""
    ended = taken(Report(state="failed"), BEGUN, stored=2)
    assert ended.external is not None
    assert (ended.external.buttons, ended.external.buttons_from) == ((), 7)
    again = taken(Report(state="failed", buttons=(OwnButton("rerun", "Run Again"),)), BEGUN, stored=2)
    assert again.external is not None
    assert [one.id for one in again.external.buttons] == ["rerun"]


def test_a_sign_of_life_alone_is_seldom_an_event() -> None:
    """Until the last one grows old."""
    for later_seconds, news in ((1, False), (CI.silent_after_seconds / 2, True)):
        later = NOW + timedelta(seconds=later_seconds)
        incoming = Incoming(report=Report(percent=40), stored_at=later, stored=9)
        verdict = admit(incoming, CI, "b7", BEGUN, 7, later)
        assert isinstance(verdict, Admitted)
        assert is_news(BEGUN, verdict.state, later) is news


def test_silence_and_the_end_of_patience() -> None:
    """First it shows, then the outcome is unknown; a new event is another attempt."""
    silent_at, gone_at = (
        NOW + timedelta(seconds=seconds) for seconds in (CI.silent_after_seconds, CI.gone_after_seconds)
    )
    assert silence.due_at(BEGUN) == silent_at
    assert silence.after(BEGUN, silent_at - timedelta(seconds=1)) is None
    move = silence.after(BEGUN, silent_at)
    assert move is not None
    assert (move.event, move.state.silent_since, silence.due_at(move.state)) == ("stalled", NOW, gone_at)
    assert silence.after(move.state, gone_at - timedelta(seconds=1)) is None
    gone = silence.after(move.state, gone_at)
    assert gone is not None
    assert (gone.event, gone.state.status, silence.due_at(gone.state)) == ("unknown", "unknown", None)
    back = taken(Report(percent=5), gone.state, stored=3)
    assert (back.status, back.attempt, back.percent, back.failure) == ("running", 2, 5, None)


def test_after_the_end_and_elsewhere_are_faults() -> None:
    """A card stays where it is; a new run is a new task."""
    ended = taken(Report(state="succeeded"), BEGUN, stored=2)
    fault = take(Report(percent=5), ended, stored=3)
    assert isinstance(fault, Fault)
    assert fault.reason == "ended"
    moved = replace(BEGUN, conversation=Conversation("T1", "C0"))
    fault = take(Report(channel="C1"), moved, stored=3)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.pointer) == ("other_channel", "/channel")


def test_text_is_one_line_without_control_characters() -> None:
    """Cut with an ellipsis."""
    assert text("a\nb\x1b[31m\u202ec", 20) == "a b [31m c"
    assert text("x" * 30, 10) == "x" * 9 + "…"
