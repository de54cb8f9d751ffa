"""The task's card in every state, as Slack would take it."""

import urllib.parse
from datetime import timedelta
from typing import get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsloop_common import buttons
from opsloop_common.buttons import Pointer
from opsloop_common.events import FINAL_STATUSES, Behind, Failure, FollowUp, Parent, Status, Step, TaskState
from opsloop_common.measures import Trend
from opsloop_common.task import Result
from opsloop_notifier import render, view
from opsloop_notifier.message import Marker, is_ours, marker_in_block_id
from unit.notifier import states
from unit.notifier.states import BOB, DONE, FAILED, HOSTILE, QUEUED, RUNNING, STYLE, card, changed

BEHIND = Behind("07-x", "ugc_audit", BOB)
RETRYING = changed(FAILED, retry_at=states.ENDED, tries_at_most=3)
STALLED = changed(RUNNING, silent_since=states.START, silent_seconds=120)
DOUBTFUL = changed(
    FAILED, status="unknown", failure=Failure(code="unknown", sentence="Its process was lost. It may have happened.")
)
CANCELLED = changed(FAILED, status="cancelled", failure=None, cancelled_by=BOB)


@pytest.mark.parametrize(
    ("task", "lines", "text"),
    [
        (QUEUED, ("⏳ Queued\n", "░░░░░░░░░░ 0%"), "schema_fix for naples-honda: ⏳ Queued (0%)"),
        (
            changed(QUEUED, behind=BEHIND, place=1),
            ("⏳ Queued – next in line, behind *ugc_audit* (started by Bob)\n",),
            "⏳ Queued – next in line, behind ugc_audit (started by Bob) (0%)",
        ),
        (
            changed(QUEUED, behind=BEHIND, place=2),
            ("⏳ Queued – 2nd in line, behind *ugc_audit* (started by Bob)\n",),
            "2nd in line, behind ugc_audit",
        ),
        (
            changed(QUEUED, holds_for="identity"),
            ("⏳ Queued, waiting: nobody could tell yet whether Alice Rivera is verified; trying again\n",),
            "trying again (0%)",
        ),
        (RUNNING, ("▶️ Running – Processing\n", "██████░░░░ 60%"), "▶️ Running – Processing (60%)"),
        (
            STALLED,
            ("💤 Running – Processing, no sign of life for more than 2 min\n", "last sign of life <!date"),
            "💤 Running – Processing, no sign of life for more than 2 min (60%)",
        ),
        (changed(STALLED, step=""), ("💤 Running – no sign of life for more than 2 min\n",), "💤"),
        (changed(STALLED, cancelled_by=BOB), ("🛑 Being cancelled by Bob\n",), "🛑"),
        (changed(QUEUED, claims=1), ("💤 Its process was lost – waiting to be taken up again\n",), "💤"),
        (changed(QUEUED, claims=1, probing=True), ("🔎 Checking whether it took effect",), "🔎"),
        (changed(RUNNING, probing=True), ("🔎 Checking whether it took effect",), "🔎"),
        (
            RETRYING,
            ("❌ Error: Schema validation timeout", "🔁 It will be tried again <!date", "UTC> (try 2 of 3).\n"),
            "(try 2 of 3).",
        ),
        (
            changed(RETRYING, retry_at=None, cancelled_by=BOB),
            ("❌ Error: ", "🛑 It is not tried again: stopped by Bob.\n"),
            "🛑 It is not tried again: stopped by Bob.",
        ),
        (changed(QUEUED, attempt=2, tries=2, tries_at_most=3), ("Tried again by itself <!date", "(try 2 of 3)"), "⏳"),
        (DOUBTFUL, ("❓ Outcome unknown: Its process was lost.", "then press one of the two buttons."), "❓"),
        (
            changed(DOUBTFUL, status="succeeded", confirmed_by=BOB),
            ("✅ Completed – Bob confirmed that it happened\n", "██████████ 100%"),
            "✅ Completed – Bob confirmed that it happened (100%)",
        ),
        (changed(RUNNING, cancelled_by=BOB), ("🛑 Being cancelled by Bob\n",), "🛑 Being cancelled by Bob (60%)"),
        (DONE, ("✅ Completed in 12 s – 3 properties repaired\n", "██████████ 100%"), "(100%)"),
        (FAILED, ("❌ Error: Schema validation timeout at step 3 (Processing)\n", "████░░░░░░ 45%"), "(45%)"),
        (changed(FAILED, status="unknown", failure=None), ("❓ Outcome unknown: It stopped",), "❓"),
        (CANCELLED, ("🚫 Cancelled by Bob – after the step “Processing”\n",), "🚫 Cancelled by Bob"),
        (changed(CANCELLED, step=""), ("🚫 Cancelled by Bob – before its first step was done\n",), "🚫"),
        (changed(CANCELLED, step="", started_at=None), ("🚫 Cancelled by Bob – before it started\n",), "🚫"),
    ],
)
def test_each_state_says_what_it_is(task: TaskState, lines: tuple[str, ...], text: str) -> None:
    """The state, the bar and the outcome stand in the card; task, target, state and percent in its text."""
    message = card(task)
    whole = states.check(message)
    assert whole.count("⚙️ *schema_fix* for *naples-honda*") == 1
    assert all(line in whole for line in lines)
    assert text in message.text
    assert message.text.startswith("schema_fix for naples-honda")


def test_a_task_that_waits_leads_to_the_one_it_waits_for() -> None:
    """The link is there as soon as that task's card is."""
    whole = states.check(card(changed(QUEUED, behind=BEHIND, place=1), links={"07-x": "https://slack.example/p1"}))
    assert "behind *ugc_audit* (started by Bob · <https://slack.example/p1|open>)" in whole


@pytest.mark.parametrize(
    ("task", "actions"),
    [
        (QUEUED, ["task.cancel", "task.tail", "task.grafana"]),
        (changed(QUEUED, behind=BEHIND, place=1), ["task.cancel", "task.tail", "task.grafana"]),
        (RUNNING, ["task.cancel", "task.tail", "task.grafana"]),
        (changed(RUNNING, cancelled_by=BOB), ["task.tail", "task.grafana"]),
        (DONE, ["task.tail", "task.grafana"]),
        (CANCELLED, ["task.tail", "task.grafana"]),
        (FAILED, ["task.retry", "task.tail", "task.grafana"]),
        (RETRYING, ["task.retry", "task.cancel", "task.tail", "task.grafana"]),
        (STALLED, ["task.cancel", "task.tail", "task.grafana"]),
        (DOUBTFUL, ["task.happened", "task.rerun", "task.tail", "task.grafana"]),
        (changed(DOUBTFUL, status="succeeded", confirmed_by=BOB), ["task.tail", "task.grafana"]),
    ],
)
def test_buttons_are_signed_pointers_to_the_state_they_were_drawn_from(task: TaskState, actions: list[str]) -> None:
    """Each state has its buttons; every value is the task and the event's sequence, and nothing else."""
    found = states.buttons(card(task, sequence=42))
    assert list(found) == actions
    assert {buttons.read(states.SECRETS, str(one["value"])) for one in found.values()} == {Pointer(states.TASK_ID, 42)}


def test_a_cancel_is_asked_about_first() -> None:
    """The button is marked as dangerous, and Slack asks before it sends the click."""
    button = states.buttons(card(RUNNING))["task.cancel"]
    assert button["style"] == "danger"
    confirm = button["confirm"]
    assert isinstance(confirm, dict)
    assert confirm["style"] == "danger"
    assert confirm["text"]["text"].startswith("*schema_fix* for *naples-honda* will be stopped.")


def test_running_it_again_is_asked_about_first() -> None:
    """What may have happened already happens twice only after a second thought."""
    found = states.buttons(card(DOUBTFUL))
    confirm = found["task.rerun"]["confirm"]
    assert isinstance(confirm, dict)
    assert confirm["text"]["text"].startswith("*schema_fix* for *naples-honda* runs once more.")
    assert "confirm" not in found["task.happened"]


@pytest.mark.parametrize("task", [DONE, FAILED])
def test_a_cancel_that_came_too_late_is_told(task: TaskState) -> None:
    """Somebody's cancel did not stop it: the small print says so, without a name if there is none."""
    late = changed(task, cancelled_by=BOB)
    assert "Bob's cancel came too late" in states.check(card(late))
    assert " · a cancel came too late" in states.check(card(late, names={}))
    assert "too late" not in states.check(card(task))


@pytest.mark.parametrize("task", [changed(RUNNING, cancelled_by=BOB), CANCELLED])
def test_a_cancel_in_time_is_not_called_late(task: TaskState) -> None:
    """Neither while it is under way nor once it has worked."""
    assert "too late" not in states.check(card(task))


def test_an_unknown_outcome_says_who_stopped_it() -> None:
    """A task stopped in the middle of its work was stopped by somebody."""
    assert " · stopped by Bob" in states.check(card(changed(FAILED, status="unknown", cancelled_by=BOB)))


def test_grafana_opens_at_the_target_and_time_of_the_task() -> None:
    """The link carries the dealer and a window around the run, in milliseconds."""
    url = urllib.parse.urlsplit(str(states.buttons(card(DONE))["task.grafana"]["url"]))
    query = urllib.parse.parse_qs(url.query)
    assert url.path == "/d/opsloop-dealer"
    assert query["var-dealer"] == ["naples-honda"]
    assert (
        int(query["from"][0]) < states.START.timestamp() * 1000 < states.ENDED.timestamp() * 1000 < int(query["to"][0])
    )


def test_without_grafana_there_is_no_such_button() -> None:
    """No GRAFANA_URL, no button that leads nowhere."""
    style = msgspec.structs.replace(STYLE, grafana_url="")
    message = render.task_card(DONE, 7, key=states.ANCHOR_KEY, version="7.0", names=states.NAMES, links={}, style=style)
    assert "task.grafana" not in states.buttons(message)


def test_a_second_attempt_is_shown_with_who_asked_for_it() -> None:
    """The card says which attempt it shows, and who retried, not who asked first."""
    whole = states.check(card(changed(RUNNING, attempt=2, attempt_by=BOB)))
    assert whole.count("attempt 2") == 2
    assert "Retried <!date^" in whole
    assert "by Bob" in whole
    assert "Alice" not in whole


def test_a_card_says_who_without_calling_them() -> None:
    """The name stands there as text; whoever is not known by name is left out."""
    assert "by Alice Rivera" in states.check(card(RUNNING))
    assert " by " not in states.check(card(RUNNING, names={}))
    everybody = changed(QUEUED, behind=BEHIND, place=1, cancelled_by=BOB)
    assert "<@" not in states.check(card(everybody))


def test_numbers_show_what_the_task_did_to_them() -> None:
    """Before and after with the direction, once it has ended; while it runs, what it began with."""
    before, after = states.measure(value=1707.11, at=states.START), states.measure(value=8058.44)
    done = changed(DONE, before=(before,), measures=(after,))
    assert "*ARR Gain (1h)*\n$1,707.11 → $8,058.44 ▲ +$6,351.33" in states.check(card(done))
    assert "*ARR Gain (1h)*\n$1,707.11 at the start" in states.check(card(changed(RUNNING, before=(before,))))


def test_an_old_number_says_its_age_as_of_the_end() -> None:
    """A sample taken six minutes before the end is dated."""
    found = states.measure(at=states.ENDED - timedelta(minutes=6))
    assert "*ARR Gain (1h)*\n$4,820.11 (sample of <!date^" in states.check(card(changed(DONE, measures=(found,))))


def test_highlights_and_what_is_missing_stand_on_the_card() -> None:
    """Six lines at most; a partial result says what could not be done, in the text too."""
    result = Result(
        summary="s", highlights=tuple(f"line {number}" for number in range(9)), partial="Two were not read."
    )
    message = card(changed(DONE, result=result))
    whole = states.check(message)
    assert "• line 5" in whole
    assert "• line 6" not in whole
    assert "\n⚠️ Two were not read." in whole
    assert message.text.endswith("⚠️ Two were not read.")


def test_a_trend_is_drawn_and_figures_are_not() -> None:
    """The course stands on the card; the figures are for the metrics service."""
    trend = Trend(title="ARR", unit="usd", values=(1.0, 8.0), begins_at=states.START, ends_at=states.ENDED)
    whole = states.check(
        card(changed(DONE, result=Result(summary="s", trend=trend, figures={"secret_figure": 4711.0})))
    )
    assert "*ARR*\n`▁█`\nfirst $1.00 (" in whole
    assert "4711" not in whole
    assert "secret_figure" not in whole


def test_every_update_has_new_block_ids_and_the_same_actions() -> None:
    """Block ids differ from one event to the next; the first carries the marker; action ids stay."""
    one, two = card(RUNNING, sequence=7), card(RUNNING, sequence=8)
    ids = [{str(block["block_id"]) for block in message.blocks} for message in (one, two)]
    assert not ids[0] & ids[1]
    assert states.buttons(one).keys() == states.buttons(two).keys()
    marker = marker_in_block_id(str(one.blocks[0]["block_id"]))
    assert marker is not None
    assert marker.key == states.ANCHOR_KEY
    assert is_ours(states.SECRETS, marker)
    assert not is_ours(("another-secret-of-16",), marker)
    version = str(one.blocks[0]["block_id"]).rpartition("|")[2]
    payload = {"key": states.ANCHOR_KEY, "mac": marker.mac, "version": version}
    assert one.metadata == {"event_type": "opsloop_message", "event_payload": payload}
    assert not is_ours(states.SECRETS, Marker(states.ANCHOR_KEY + "x", marker.mac))


def test_a_content_is_recognised_whatever_its_block_ids() -> None:
    """The digest tells contents apart, not versions."""
    again = render.task_card(
        RUNNING, 7, key=states.ANCHOR_KEY, version="other", names=states.NAMES, links={}, style=STYLE
    )
    assert card(RUNNING).digest() == again.digest()
    assert card(RUNNING).digest() != card(changed(RUNNING, percent=61)).digest()


@settings(deadline=None, max_examples=60)
@given(
    HOSTILE, st.sampled_from(["queued", "running", *sorted(FINAL_STATUSES)]), st.booleans(), st.booleans(),
    st.floats(allow_nan=True, allow_infinity=True),
)  # fmt: skip
def test_no_text_of_a_task_breaks_a_card_or_calls_anybody(
    text: str, status: Status, is_named: bool, is_cancelled: bool, number: float
) -> None:
    """Whatever a task calls itself, Slack takes the card and its replies, and no `<` of it survives."""
    found = states.measure(title=text, value=number)
    trend = Trend(
        title=text, unit="usd", values=(number,) * 60, begins_at=states.START, ends_at=states.ENDED, forecast=9
    )
    follow_ups = tuple(
        FollowUp(task=text, task_id="07-y", outcome=outcome)
        for outcome in get_args(get_type_hints(FollowUp)["outcome"])
    )
    task = changed(
        RUNNING, status=status, task=text, target=text, title=text, step=text, ended_at=states.ENDED, attempt=12,
        steps=(Step(text, 20), Step(text, 60)), failure=Failure(code="x", sentence=text),
        behind=Behind("07-x", text, BOB), place=99, parent=Parent("07-p", text), follow_ups=follow_ups * 3,
        cancelled_by=BOB if is_cancelled else None, measures=(found,) * 12, before=(found,) * 12,
        result=Result(summary=text, lines=(text,) * 30, highlights=(text,) * 9, partial=text, trend=trend),
    )  # fmt: skip
    names = {"U0ALICE": text, "U0BOB": text} if is_named else {}
    whole = states.check(card(task, names=names)).replace("<!date^", "")
    assert "<" not in whole
    if view.due_reply(task, set()):
        said = states.check(states.reply(task, tail=(text,) * 40, names=names))
        assert "<" not in said.replace("<@U0ALICE>", "").replace("<!date^", "")
