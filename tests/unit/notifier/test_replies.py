"""The replies in a task's thread: milestones, and every way an attempt ends."""

from datetime import timedelta

import msgspec

from opsloop_common.events import Step
from opsloop_common.task import Result
from opsloop_notifier import replies, view
from unit.notifier import states
from unit.notifier.states import BOB, DONE, FAILED, RUNNING, changed, measure, reply


def test_a_milestone_reply_has_one_line_each() -> None:
    """Several milestones that are due at once are one reply."""
    message = reply(changed(RUNNING, percent=45, steps=(Step("Schema detected", 20), Step("Checked.", 45))))
    assert message.text == "Progress: 20% – Schema detected.\nProgress: 40% – Checked."
    states.check(message)


def test_success_ends_with_its_result_and_calls_nobody() -> None:
    """A short success mentions nobody."""
    message = reply(DONE, "1-80")
    assert message.text == "✅ Completed successfully.\n3 properties repaired\n• telephone added\n• geo added"


def test_the_end_tells_what_it_did_to_the_numbers() -> None:
    """In words, with the direction; only numbers that are there are told."""
    task = changed(
        DONE, before=(measure(value=1707.11, at=states.START),),
        measures=(measure(value=8058.44), measure(metric="p", title="GNN Precision", state="no_data")),
    )  # fmt: skip
    first = reply(task, "1-80").text.splitlines()[0]
    assert first == "✅ Completed successfully. ARR Gain (1h): $8,058.44, up $6,351.33 from $1,707.11."


def test_a_partial_result_is_told_as_one() -> None:
    """What could not be done stands below the summary."""
    task = changed(DONE, result=Result(summary="Read.", partial="Two were not read.", lines=("one",)))
    assert reply(task, "1-80").text == "✅ Completed successfully.\nRead.\n⚠️ Two were not read.\n• one"


def test_a_cancelled_task_says_by_whom() -> None:
    """One line; without a name if nobody knows it."""
    task = changed(FAILED, status="cancelled", failure=None, cancelled_by=BOB)
    assert reply(task, "1-40").text == "🚫 Cancelled by Bob."
    assert reply(task, "1-40", names={}).text == "🚫 Cancelled."


def test_a_failure_ends_with_its_sentence_its_log_and_the_person() -> None:
    """The last lines of the log stand in a code block; the person who started this attempt is called."""
    task = changed(FAILED, attempt=2, attempt_by=msgspec.structs.replace(states.ALICE, user="U0BOB"))
    message = reply(task, "2-40", tail=tuple(f"line {number} </pre>```" for number in range(30)))
    assert message.text == "❌ Error: Schema validation timeout at step 3 (Processing) <@U0BOB>"
    code = states.check(message).split("```\n")[1]
    assert code.splitlines()[0] == "line 15 &lt;/pre&gt;ˋˋˋ"
    assert len(code.splitlines()) == replies.TAIL_LINES + 1


def test_a_failure_that_is_tried_again_says_when_and_calls_nobody() -> None:
    """Nobody has to do anything yet; the try after it has its number."""
    message = reply(changed(FAILED, retry_at=states.ENDED, tries_at_most=3), "1-40")
    first, again = message.text.splitlines()
    assert first == "❌ Error: Schema validation timeout at step 3 (Processing)"
    assert again.startswith("🔁 It will be tried again <!date")
    assert again.endswith("(try 2 of 3).")


def test_a_confirmed_outcome_is_two_replies_the_doubt_and_who_ended_it() -> None:
    """The end stays what it was, even where it is posted late; the confirmation follows it, once."""
    task = changed(FAILED, status="succeeded", percent=100, confirmed_by=BOB)
    end = reply(task, "1-80", tail=("last line",))
    assert end.text == "❓ Outcome unknown: Schema validation timeout at step 3 (Processing)"
    assert "last line" in states.check(end)
    assert reply(task, "1-80", "1-end").text == "✅ Bob confirmed that it happened. It counts as completed."
    assert view.due_reply(task, {"1-80", "1-end", "1-confirmed"}) is None


def test_a_long_run_calls_the_person() -> None:
    """More than a minute: who waited is told."""
    assert "<@U0ALICE>" in reply(changed(DONE, ended_at=states.START + timedelta(seconds=61)), "1-80").text


def test_lines_that_do_not_fit_are_left_out_whole() -> None:
    """A long result ends in an ellipsis, never in half a line."""
    message = reply(changed(DONE, result=Result(summary="s", lines=("word " * 48,) * 24)), "1-80")
    states.check(message)
    lines = message.text.splitlines()
    assert lines[-1] == "…"
    assert len({line for line in lines if line.startswith("•")}) == 1
