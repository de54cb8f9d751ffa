"""Messages as text, and what is expected of them."""

from opsloop_cli.expect import plain, report
from opsloop_cli.expect.expectation import Look, acknowledged, alone, moved, one, problems, replied
from opsloop_cli.expect.report import StageReport, TourReport
from opsloop_cli.expect.scene import Scene, Seen, Sighting, flat
from opsloop_sandbox.contract import Delivery, SeenMessage
from opsloop_sandbox.json_value import JsonObject

CARD = Seen(ts="1", text="fix for a: 40%", actions=("task.logs",))
REPLY = Seen(ts="2", text="Progress: 20% – Schema detected.", thread_ts="1")
HELP = Seen(ts="3", text="Help", is_private=True)
LOOK = Look(words=("FIX", "a"), buttons=("task.logs",))


def sighted(*messages: Seen, is_change: bool = False) -> tuple[Sighting, ...]:
    return tuple(Sighting(at_seconds=0.1, message=message, is_change=is_change) for message in messages)


def scene(*messages: Seen) -> Scene:
    return Scene(now=messages, sightings=sighted(*messages))


def message(*blocks: JsonObject, text: str = "fallback", replies: list[SeenMessage] | None = None) -> SeenMessage:
    return SeenMessage(ts="1", user="U", text=text, blocks=list(blocks), replies=replies or [])


def mrkdwn(text: str) -> JsonObject:
    return {"type": "mrkdwn", "text": text}


def test_blocks_read_as_a_person_would_read_them_out() -> None:
    """Headers, sections with fields, buttons, context and dividers, in order."""
    blocks: list[JsonObject] = [
        {"type": "header", "text": {"type": "plain_text", "text": "Naples Honda"}},
        {"type": "section", "text": mrkdwn("*state*\n40%"), "fields": [mrkdwn("one"), mrkdwn("two")]},
        {"type": "divider"},
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Retry"}, "action_id": "x"}],
        },
        {"type": "context", "elements": [mrkdwn("small"), mrkdwn("print")]},
    ]
    assert plain.message(message(*blocks)).splitlines() == [
        "Naples Honda", "*state*", "40%", "one", "two", "---", "[ Retry ]", "small  print",
    ]  # fmt: skip


def test_a_message_without_blocks_is_its_text() -> None:
    """What Slack would show."""
    assert plain.message(message(text="a &lt;b&gt;")) == "a <b>"


def test_links_dates_and_mentions_read_as_their_labels() -> None:
    """A date is its fallback, a link its label, a mention its id, and escaped text itself."""
    text = "<!date^1^{date}|2026-01-01> <https://x|card> <@U1> &lt;!here&gt; &amp;"
    assert plain.mrkdwn(text) == "2026-01-01 card @U1 <!here> &"


def test_threads_are_read_below_their_parents() -> None:
    """A reply knows its parent, and a message its buttons."""
    button: JsonObject = {
        "type": "actions",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x"}, "action_id": "task.logs"}],
    }
    reply = SeenMessage(ts="2", user="U", text="r", blocks=[], thread_ts="1")
    found = flat([message(button, replies=[reply])])
    assert [(seen.ts, seen.thread_ts, seen.actions) for seen in found] == [("1", "", ("task.logs",)), ("2", "1", ())]


def test_a_look_needs_words_buttons_and_place() -> None:
    """Each missing property makes another message of it."""
    assert LOOK.fits(CARD)
    assert not Look(words=("other",)).fits(CARD)
    assert not Look(words=("fix",), without=("40%",)).fits(CARD)
    assert not Look(words=("fix",), buttons=("task.retry",)).fits(CARD)
    assert not Look(words=("fix",), is_private=True).fits(CARD)
    assert not Look(words=("Progress",)).fits(REPLY)


def test_one_means_exactly_one_of_this_stage() -> None:
    """None, two, and an older message that this stage did not touch are all wrong."""
    expectation = one("a card", LOOK)
    twin = Seen(ts="9", text=CARD.text, actions=CARD.actions)
    assert expectation.holds(scene(CARD, HELP))
    assert not expectation.holds(scene(HELP))
    assert not expectation.holds(scene(CARD, twin))
    assert not expectation.holds(Scene(now=(CARD,), sightings=()))


def test_alone_counts_older_messages_too() -> None:
    """A second anchor is seen whenever it was posted."""
    expectation = alone("one message", ("fix for a",))
    assert expectation.holds(Scene(now=(CARD,)))
    assert not expectation.holds(Scene(now=(CARD, Seen(ts="9", text="Fix for A: 0%"))))


def test_replied_looks_into_the_right_thread() -> None:
    """All words must stand under that message."""
    assert replied("steps", LOOK, "Schema detected").holds(scene(CARD, REPLY))
    assert not replied("steps", LOOK, "Schema detected", "Processing").holds(scene(CARD, REPLY))
    elsewhere = Seen(ts="2", text=REPLY.text, thread_ts="7")
    assert not replied("steps", LOOK, "Schema detected").holds(scene(CARD, elsewhere))


def test_moved_counts_what_the_message_showed_over_time() -> None:
    """A bar that jumps to its end did not move."""
    versions = [Seen(ts="1", text=f"fix for a: {percent}%", actions=CARD.actions) for percent in (0, 20, 40)]
    watched = Scene(now=(versions[-1],), sightings=sighted(*versions))
    marks = (" 0%", " 20%", " 40%", " 60%")
    assert moved("the bar", LOOK, marks, 3).holds(watched)
    assert not moved("the bar", LOOK, marks, 3).holds(scene(CARD))


def test_an_answer_slack_shows_as_an_error_is_not_acknowledged() -> None:
    """The status and what the user is shown both count; no delivery at all is wrong."""
    good = Delivery(status=200, elapsed_ms=1, shown=None, body="")
    bad = Delivery(status=0, elapsed_ms=3000, shown="operation_timeout", body="")
    assert acknowledged().holds(Scene(delivery=good))
    assert not acknowledged().holds(Scene(delivery=bad))
    assert not acknowledged().holds(Scene())


def test_a_problem_says_what_was_expected_and_what_was_seen() -> None:
    """Both halves, in one text; nothing is nothing."""
    expectations = (one("a card with Retry", Look(words=("Retry",))),)
    assert problems(expectations, scene(HELP)) == ["expected a card with Retry; seen: 'Help'"]
    assert problems(expectations, Scene()) == ["expected a card with Retry; seen: nothing"]


def test_the_report_names_the_stages_that_failed() -> None:
    """A reader sees at once what to look at."""
    good = StageReport(name="help", ok=True, seconds=1, messages=["+0.1 s  new\n    Help"], problems=[])
    bad = StageReport(name="retry", ok=False, seconds=1, messages=[], problems=["expected x; seen: nothing"])
    assert report.stage(bad).startswith("FAIL  retry")
    assert "expected x" in report.stage(bad)
    assert "FAILED: retry" in report.summary(TourReport(ok=False, seconds=2, stages=[good, bad]))
    assert "every message was right" in report.summary(TourReport(ok=True, seconds=1, stages=[good]))


def test_a_sighting_says_when_where_and_what() -> None:
    """New or changed; in the channel, in the thread, or only visible to the reader."""
    assert report.sighting(sighted(HELP)[0]) == "+0.1 s  new, only visible to you\n    Help"
    assert report.sighting(sighted(REPLY)[0]).startswith("+0.1 s  new, in the thread")
    assert report.sighting(sighted(CARD, is_change=True)[0]).startswith("+0.1 s  changed, in #ops")
