"""The task's card, its thread's replies and the status card, in every state, as Slack would take them."""

import urllib.parse
from collections.abc import Mapping
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsloop_common import buttons
from opsloop_common.answers import CardRun, Offer, StatusBody
from opsloop_common.buttons import Pointer
from opsloop_common.events import FINAL_STATUSES, Behind, Failure, Status, Step, TaskState
from opsloop_common.measures import Measure
from opsloop_common.task import Result
from opsloop_notifier import answers, render, replies, view
from opsloop_notifier.message import Marker, Message, is_ours, marker_in_block_id
from unit.notifier import states
from unit.notifier.states import QUEUED, RUNNING, STYLE, changed

KEY = f"{states.TASK_ID}.anchor"
DONE = changed(
    RUNNING, status="succeeded", percent=100, ended_at=states.ENDED, steps=(Step("Schema detected", 20),),
    result=Result(summary="3 properties repaired", lines=("telephone added", "geo added")),
)  # fmt: skip
FAILED = changed(
    RUNNING, status="failed", percent=45, ended_at=states.ENDED,
    failure=Failure(code="site_timeout", sentence="Schema validation timeout at step 3 (Processing)"),
)  # fmt: skip


NAMES = {"U0ALICE": "Alice Rivera"}
BEHIND = Behind("07-x", "ugc_audit", states.ALICE)


def card(task: TaskState, *, sequence: int = 7, names: Mapping[str, str] = NAMES) -> Message:
    return render.task_card(task, sequence, key=KEY, version=f"{sequence}.0", names=names, style=STYLE)


@pytest.mark.parametrize(
    ("task", "lines", "text"),
    [
        (QUEUED, ("⏳ Queued", "░░░░░░░░░░ 0%"), "schema_fix for naples-honda: ⏳ Queued (0%)"),
        (
            changed(QUEUED, behind=BEHIND, place=1),
            ("⏳ Queued behind another task on this target",),
            "⏳ Queued behind",
        ),
        (RUNNING, ("▶️ Running – Processing", "██████░░░░ 60%"), "▶️ Running – Processing (60%)"),
        (DONE, ("✅ Completed in 12 s – 3 properties repaired", "██████████ 100%"), "(100%)"),
        (FAILED, ("❌ Error: Schema validation timeout at step 3 (Processing)", "████░░░░░░ 45%"), "(45%)"),
        (changed(FAILED, status="unknown", failure=None), ("❓ Outcome unknown: It stopped",), "❓"),
        (changed(FAILED, status="cancelled"), ("🚫 Cancelled",), "🚫"),
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


@pytest.mark.parametrize(
    ("task", "actions"),
    [
        (QUEUED, ["task.logs", "task.grafana"]),
        (RUNNING, ["task.logs", "task.grafana"]),
        (DONE, ["task.logs", "task.grafana"]),
        (FAILED, ["task.retry", "task.logs", "task.grafana"]),
    ],
)
def test_buttons_are_signed_pointers_to_the_state_they_were_drawn_from(task: TaskState, actions: list[str]) -> None:
    """Retry is only on a failure; every value is the task and the event's sequence, and nothing else."""
    found = states.buttons(card(task, sequence=42))
    assert list(found) == actions
    assert {buttons.read(states.SECRETS, str(one["value"])) for one in found.values()} == {Pointer(states.TASK_ID, 42)}


def test_grafana_opens_at_the_target_and_time_of_the_task() -> None:
    """The link carries the dealer and a window around the run, in milliseconds."""
    url = urllib.parse.urlsplit(str(states.buttons(card(DONE))["task.grafana"]["url"]))
    query = urllib.parse.parse_qs(url.query)
    assert url.path == "/d/dealer"
    assert query["var-dealer"] == ["naples-honda"]
    assert (
        int(query["from"][0]) < states.START.timestamp() * 1000 < states.ENDED.timestamp() * 1000 < int(query["to"][0])
    )


def test_without_grafana_there_is_no_such_button() -> None:
    """No GRAFANA_URL, no button that leads nowhere."""
    style = msgspec.structs.replace(STYLE, grafana_url="")
    message = render.task_card(DONE, 7, key=KEY, version="7.0", names=NAMES, style=style)
    assert "task.grafana" not in states.buttons(message)


def test_a_second_attempt_is_shown() -> None:
    """The card says which attempt it shows."""
    assert states.check(card(changed(RUNNING, attempt=2))).count("attempt 2") == 2


def test_a_card_says_who_without_calling_them() -> None:
    """The name stands there as text; whoever is not known by name is left out."""
    assert "by Alice Rivera" in states.check(card(RUNNING))
    assert " by " not in states.check(card(RUNNING, names={}))
    assert "<@" not in states.check(card(RUNNING))


def measure(**changes: object) -> Measure:
    found = Measure(metric="gain", title="ARR Gain (1h)", unit="usd", state="value", value=4820.114, at=states.ENDED)
    return msgspec.structs.replace(found, **changes)


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (measure(), "$4,820.11"),
        (measure(value=-1000.5), "-$1,000.50"),
        (measure(unit="ratio", value=0.934), "0.93"),
        (measure(unit="number", value=1234567.0), "1,234,567"),
        (measure(state="no_data", value=0.0), "no data"),
        (measure(state="unavailable"), "unavailable"),
        (measure(at=states.ENDED - timedelta(minutes=6)), "$4,820.11 (sample of <!date^"),
    ],
)
def test_numbers_are_shown_as_what_they_are(found: Measure, shown: str) -> None:
    """No data is never 0, unavailable is not no data, and an old sample says its age."""
    text = states.check(card(changed(DONE, measures=(found,))))
    assert f"*ARR Gain (1h)*\n{shown}" in text


def test_the_end_tells_what_it_did_to_the_numbers() -> None:
    """Only numbers that are there are told."""
    task = changed(DONE, measures=(measure(), measure(metric="p", title="GNN Precision", state="no_data")))
    assert reply(task, "1-80").text.startswith("✅ Completed successfully. ARR Gain (1h): $4,820.11.\n")


def test_every_update_has_new_block_ids_and_the_same_actions() -> None:
    """Block ids differ from one event to the next; the first carries the marker; action ids stay."""
    one, two = card(RUNNING, sequence=7), card(RUNNING, sequence=8)
    ids = [{str(block["block_id"]) for block in message.blocks} for message in (one, two)]
    assert not ids[0] & ids[1]
    assert states.buttons(one).keys() == states.buttons(two).keys()
    marker = marker_in_block_id(str(one.blocks[0]["block_id"]))
    assert marker is not None
    assert marker.key == KEY
    assert is_ours(states.SECRETS, marker)
    assert not is_ours(("another-secret-of-16",), marker)
    assert one.metadata == {"event_type": "opsloop_message", "event_payload": {"key": KEY, "mac": marker.mac}}
    assert not is_ours(states.SECRETS, Marker(KEY + "x", marker.mac))


def test_a_content_is_recognised_whatever_its_block_ids() -> None:
    """The digest tells contents apart, not versions."""
    again = render.task_card(RUNNING, 7, key=KEY, version="other", names=NAMES, style=STYLE)
    assert card(RUNNING).digest() == again.digest()
    assert card(RUNNING).digest() != card(changed(RUNNING, percent=61)).digest()


HOSTILE = st.text(st.sampled_from(list("<>&`*_~|@!a \n")), max_size=60).map(lambda text: text * 80) | st.text(
    max_size=99
)


@settings(deadline=None, max_examples=60)
@given(HOSTILE, st.sampled_from(["queued", "running", *sorted(FINAL_STATUSES)]), st.booleans())
def test_no_text_of_a_task_breaks_a_card_or_calls_anybody(text: str, status: Status, is_named: bool) -> None:
    """Whatever a task calls itself, Slack takes the card and its replies, and no `<` of it survives."""
    task = changed(
        RUNNING, status=status, task=text, target=text, title=text, step=text, ended_at=states.ENDED,
        steps=(Step(text, 20), Step(text, 60)), failure=Failure(code="x", sentence=text),
        result=Result(summary=text, lines=(text,) * 30),
    )  # fmt: skip
    names = {"U0ALICE": text} if is_named else {}
    whole = states.check(card(task, names=names)).replace("<!date^", "")
    assert "<" not in whole
    if due := view.due_reply(task, set()):
        said = states.check(replies.reply(task, due, [text] * 40, key=KEY, style=STYLE))
        assert "<" not in said.replace("<@U0ALICE>", "")


def reply(task: TaskState, *settled: str, tail: tuple[str, ...] = ()) -> Message:
    due = view.due_reply(task, settled)
    assert due is not None
    return replies.reply(task, due, tail, key=KEY, style=STYLE)


def test_a_milestone_reply_has_one_line_each() -> None:
    """Several milestones that are due at once are one reply."""
    message = reply(changed(RUNNING, percent=45, steps=(Step("Schema detected", 20), Step("Checked.", 45))))
    assert message.text == "Progress: 20% – Schema detected.\nProgress: 40% – Checked."
    states.check(message)


def test_success_ends_with_its_result_and_calls_nobody() -> None:
    """A short success mentions nobody."""
    message = reply(DONE, "1-80")
    assert message.text == "✅ Completed successfully.\n3 properties repaired\n• telephone added\n• geo added"


def test_a_failure_ends_with_its_sentence_its_log_and_the_person() -> None:
    """The last lines of the log stand in a code block; the person who started this attempt is called."""
    task = changed(FAILED, attempt=2, attempt_by=msgspec.structs.replace(states.ALICE, user="U0BOB"))
    message = reply(task, "2-40", tail=tuple(f"line {number} </pre>```" for number in range(30)))
    assert message.text == "❌ Error: Schema validation timeout at step 3 (Processing) <@U0BOB>"
    code = states.check(message).split("```\n")[1]
    assert code.splitlines()[0] == "line 15 &lt;/pre&gt;ˋˋˋ"
    assert len(code.splitlines()) == replies.TAIL_LINES + 1


def test_a_long_run_calls_the_person() -> None:
    """More than a minute: who waited is told."""
    assert "<@U0ALICE>" in reply(changed(DONE, ended_at=states.START + timedelta(seconds=61)), "1-80").text


STATUS = StatusBody(target="naples-honda", title="Naples Honda", offers=(Offer("schema_fix", "Run Schema Fix"),))


def status(body: StatusBody, links: dict[str, str], *, names: Mapping[str, str] = NAMES) -> Message:
    answer = states.answer(body, "conversation")
    return answers.status_card(answer, body, links, 9, key="k", version="9.0", names=names, style=STYLE)


def test_a_status_card_offers_tasks() -> None:
    """One button a task, pointing to the card."""
    message = status(STATUS, {})
    assert "naples-honda" in states.check(message)
    found = states.buttons(message)["task.run.schema_fix"]
    assert buttons.read(states.SECRETS, str(found["value"])) == Pointer(states.ANSWER_ID, 9)
    assert found["text"] == {"type": "plain_text", "text": "Run Schema Fix", "emoji": True}


def test_a_status_card_tells_what_was_started_from_it() -> None:
    """Each run has its state, who started it and a link to its own message."""
    run = CardRun(states.TASK_ID, "schema_fix", "running", states.ALICE, 3)
    body = msgspec.structs.replace(STATUS, runs=(run,))
    link = "https://slack.example/p1"
    assert f"▶️ schema_fix – running, started by Alice Rivera · <{link}|open>" in states.check(
        status(body, {states.TASK_ID: link})
    )
    assert "|open>" not in states.check(status(body, {}))
    assert "started by" not in states.check(status(body, {}, names={}))
    measured = msgspec.structs.replace(STATUS, measures=(measure(at=states.START),))
    assert "$4,820.11" in states.check(status(measured, {}))
    states.check(status(msgspec.structs.replace(STATUS, runs=(run,) * 90, offers=STATUS.offers * 1), {}))
