"""What the notifier promises about messages, over a real broker: once, in order, to the end, whatever Slack answers."""

import asyncio

import msgspec
import pytest

from integration.notifier.scripted import LOST, PERMALINK, SECRETS, Desk, ScriptedSlack, Stored, run_of
from opsloop_common.answers import HelpBody, LogsBody, Offer, StatusBody
from opsloop_common.bus import Bus, streams
from opsloop_common.events import Failure, Step
from opsloop_common.people import Conversation
from opsloop_common.subjects import PARTITIONS, Subjects, notifier_of
from opsloop_notifier.budget import Limits, Rate
from opsloop_notifier.outcome import Ambiguous, Dead, Gone, Limited, Locked, Malformed, Sent, Unsent
from opsloop_notifier.slack import Identity
from unit.notifier.states import ENDED, QUEUED, RUNNING, answer, changed
from waiting import until

STEPS = (Step("Schema detected", 20), Step("Validated", 40), Step("Processing", 60), Step("Injected", 80))
DONE = changed(RUNNING, status="succeeded", percent=100, steps=STEPS, ended_at=ENDED)
FAILED = changed(
    RUNNING, status="failed", percent=45, steps=STEPS[:2], ended_at=ENDED,
    failure=Failure(code="x", sentence="It timed out."),
)  # fmt: skip
HELP = HelpBody(command="/d", offers=(Offer("schema_fix", "Run Schema Fix"),), targets=("naples-honda",))
STATUS = StatusBody(target="naples-honda", title="Naples Honda", offers=HELP.offers)


async def settled(desk: Desk) -> None:
    """Everything published so far is visible and acknowledged."""
    js = desk.bus.client.jetstream()
    deadline = asyncio.get_running_loop().time() + 10
    while True:
        found = [await js.consumer_info("EVT", notifier_of(partition)) for partition in range(PARTITIONS)]
        if not any(info.num_pending or info.num_ack_pending for info in found):
            return
        assert asyncio.get_running_loop().time() < deadline, (found, desk.slack.calls)
        await asyncio.sleep(0.01)


async def test_a_task_is_one_message_and_one_thread(desk: Desk, slack: ScriptedSlack) -> None:
    """One anchor, updated to its end; the milestones and the end in its thread, in order; all in the ledger."""
    for state, event in ((QUEUED, "queued"), (changed(RUNNING, percent=0), "started")):
        await desk.publish(state, event)
        await settled(desk)
    for step in STEPS:
        steps = STEPS[: STEPS.index(step) + 1]
        await desk.publish(changed(RUNNING, percent=step.percent, step=step.name, steps=steps), "step")
        await settled(desk)
    await desk.publish(DONE, "succeeded")
    await settled(desk)
    (anchor,) = slack.anchors
    assert "✅" in anchor.message.text
    assert slack.thread(anchor.ts)[-1].startswith("✅ Completed successfully.")
    whole = "\n".join(slack.thread(anchor.ts))
    positions = [whole.index(f"Progress: {step.percent}% – {step.name}.") for step in STEPS]
    assert positions == sorted(positions)
    assert set((await desk.records()).values()) == {"posted"}


async def test_an_event_is_visible_at_once_when_nothing_limits(desk: Desk, slack: ScriptedSlack) -> None:
    """Milliseconds, not ticks, from the event to the message."""
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    await desk.publish(RUNNING, "started")
    await settled(desk)
    assert desk.delays[-1] < 0.2


async def test_only_the_newest_is_sent(desk: Desk, slack: ScriptedSlack) -> None:
    """What is overtaken while Slack is slow is never sent; what is due at the end is one reply."""
    slack.hold = asyncio.Event()
    await desk.publish(QUEUED, "queued")
    await until(lambda: slack.calls == ["post"])
    for percent in range(1, 80, 7):
        await desk.publish(changed(RUNNING, percent=percent, steps=STEPS), "progressed")
    last = await desk.publish(DONE, "succeeded")
    await until(lambda: _newest(desk) == last)
    slack.hold.set()
    await settled(desk)
    (anchor,) = slack.anchors
    assert len(anchor.versions) == 2
    assert len(slack.thread(anchor.ts)) == 1
    assert slack.thread(anchor.ts)[0].count("Progress:") == 4


def _newest(desk: Desk) -> int:
    assert desk.office is not None
    cases = desk.office.desk._cases
    return max((case.newest.event.sequence for case in cases.values()), default=0)


async def test_a_replay_of_every_event_changes_nothing(
    desk: Desk, slack: ScriptedSlack, bus: Bus, subjects: Subjects
) -> None:
    """A consumer that starts over finds everything in the ledger."""
    await _fail_and_retry(desk)
    await desk.publish(answer(HELP), "answered")
    await until(lambda: len(slack.private) == 1)
    await settled(desk)
    await desk.stop()
    before = (list(slack.calls), await desk.records())
    js = bus.client.jetstream()
    for partition in range(PARTITIONS):
        await js.delete_consumer("EVT", notifier_of(partition))
    await streams.provision(bus, subjects)
    desk.start()
    await settled(desk)
    assert (slack.calls, await desk.records()) == before


async def _fail_and_retry(desk: Desk) -> None:
    await desk.publish(QUEUED, "queued")
    await desk.publish(RUNNING, "started")
    await desk.log(RUNNING, "GET page", f"sent {SECRETS[0]}")
    await desk.publish(FAILED, "failed")
    await settled(desk)
    again = changed(QUEUED, attempt=2)
    await desk.publish(again, "retried")
    await desk.publish(changed(DONE, attempt=2), "succeeded")
    await settled(desk)


async def test_a_retry_starts_the_card_over_and_keeps_the_failure(desk: Desk, slack: ScriptedSlack) -> None:
    """The same card, both ends in the thread, the failure with its log, without secrets, calling who started it."""
    await _fail_and_retry(desk)
    (anchor,) = slack.anchors
    assert "attempt 2" in anchor.message.text
    thread = slack.thread(anchor.ts)
    failure = next(text for text in thread if "❌ Error: It timed out." in text)
    assert "<@U0ALICE>" in failure
    assert thread[-1].endswith("✅ Completed successfully.")
    blocks = str([one.message.blocks for one in slack.messages])
    assert "GET page" in blocks
    assert SECRETS[0] not in blocks


async def test_a_retry_does_not_swallow_the_failure_before_it(
    bus: Bus, subjects: Subjects, slack: ScriptedSlack
) -> None:
    """All events at once, the first attempt's end is still posted, before the second's."""
    desk = Desk(bus, subjects, slack)
    for state, event in ((QUEUED, "queued"), (FAILED, "failed"), (changed(DONE, attempt=2), "succeeded")):
        await desk.publish(state, event)
    desk.start()
    await until(lambda: len(slack.messages) == 3)
    await settled(desk)
    (anchor,) = slack.anchors
    first, second = slack.thread(anchor.ts)
    assert "It timed out." in first
    assert "Completed" in second
    await desk.stop()


@pytest.mark.parametrize("lost", ["anchor", "reply"])
async def test_a_post_without_an_answer_is_not_doubled(desk: Desk, slack: ScriptedSlack, lost: str) -> None:
    """Slack stored it and the connection broke: it is found by its marker and adopted."""
    if lost == "reply":
        await desk.publish(changed(RUNNING, percent=20, steps=STEPS[:1]), "step")
        await until(lambda: len(slack.messages) == 2)
    slack.scripts["post"] = [LOST]
    await desk.publish(DONE, "succeeded")
    await settled(desk)
    (anchor,) = slack.anchors
    assert sum("Completed" in text for text in slack.thread(anchor.ts)) == 1
    assert "read" in slack.calls
    assert set((await desk.records()).values()) == {"posted"}


async def test_a_post_that_never_arrived_is_posted_again(desk: Desk, slack: ScriptedSlack) -> None:
    """Looked for twice and not there: once more."""
    slack.scripts["post"] = [Ambiguous("timeout")]
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    assert len(slack.anchors) == 1
    assert slack.calls.count("read") == 2


async def test_where_nobody_can_look_nothing_is_posted_twice(desk: Desk, slack: ScriptedSlack) -> None:
    """Without the right to read back, the outcome stays unknown: the person is told, the record says so."""
    slack.scripts["post"] = [LOST]
    slack.scripts["read"] = [Dead("missing_scope")]
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    assert (await desk.records())[f"{QUEUED.id}.anchor"] == "undeliverable"
    await desk.publish(DONE, "succeeded")
    await settled(desk)
    assert len(slack.anchors) == 1
    ((_, _, told),) = slack.private
    assert "did not say whether" in told.text


async def test_limits_are_no_attempts_and_no_end_is_lost(desk: Desk, slack: ScriptedSlack) -> None:
    """429 again and again on both lanes: the final state and the end still come."""
    slack.scripts["post"] = [Limited(0.05), Limited(0.05)]
    slack.scripts["update"] = [Limited(0.05)] * 3
    await desk.publish(QUEUED, "queued")
    await desk.publish(DONE, "succeeded")
    await settled(desk)
    (anchor,) = slack.anchors
    assert "✅" in anchor.message.text
    assert len(slack.thread(anchor.ts)) == 1


async def test_a_429_pauses_its_channel_and_no_other(desk: Desk, slack: ScriptedSlack) -> None:
    """For as long as Slack said nothing is posted there; other channels go on."""
    slack.scripts["post"] = [Limited(0.4)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    await desk.publish(QUEUED, "queued")
    await until(lambda: slack.calls == ["post"])
    other = changed(QUEUED, id="08-" + "c" * 20, conversation=Conversation("T0OPSLOOP", "C0RANDOM"))
    await desk.publish(other, "queued")
    await until(lambda: len(slack.anchors) == 2)
    assert [anchor.channel for anchor in slack.anchors] == ["C0RANDOM", "C0OPS"]
    assert loop.time() - began >= 0.4
    assert slack.calls.count("post") == 3


async def test_a_restart_continues_in_the_same_thread(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> None:
    """Stopped while a post was under way, the next one adopts it and goes on below it."""
    first = Desk(bus, subjects, slack)
    first.start()
    slack.hold = asyncio.Event()
    await first.publish(QUEUED, "queued")
    await until(lambda: slack.calls == ["post"])
    await first.stop()
    assert (await first.records())[f"{QUEUED.id}.anchor"] == "sending"
    slack.hold = None
    second = Desk(bus, subjects, slack)
    second.start()
    await second.publish(FAILED, "failed")
    await until(lambda: len(slack.messages) == 2, 15)
    (anchor,) = slack.anchors
    await until(lambda: "❌" in anchor.message.text and second.owed == 0)
    assert len(slack.thread(anchor.ts)) == 1
    await second.stop()


async def test_a_dead_channel_is_told_privately_and_stops_nobody(desk: Desk, slack: ScriptedSlack) -> None:
    """Not in the channel: the requester learns what to do, the record is closed, others go on."""
    slack.scripts["post"] = [Dead("not_in_channel")]
    slack.scripts["ephemeral"] = [Dead("not_in_channel")]
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    (told,) = slack.messages
    assert told.channel == "U0ALICE"
    assert "/invite @opsloop" in told.message.text
    assert (await desk.records())[f"{QUEUED.id}.anchor"] == "undeliverable"
    await desk.publish(changed(RUNNING, percent=30), "progressed")
    other = changed(QUEUED, id="07-" + "c" * 20)
    await desk.publish(other, "queued")
    await until(lambda: len(slack.messages) == 2)
    await settled(desk)
    assert slack.calls.count("post") == 3


async def test_refused_blocks_become_plain_text(desk: Desk, slack: ScriptedSlack) -> None:
    """A content Slack refuses is said once more without blocks."""
    slack.scripts["post"] = [Malformed("invalid_blocks", "/blocks/0")]
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    (anchor,) = slack.anchors
    assert anchor.message.blocks == []
    await desk.publish(RUNNING, "started")
    await settled(desk)
    assert anchor.message.blocks


async def test_a_deleted_card_is_posted_anew_once(desk: Desk, slack: ScriptedSlack) -> None:
    """Somebody deletes the card: there is one new one; deleted again, the person is told and that is all."""
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    slack.messages.clear()
    await desk.publish(RUNNING, "started")
    await until(lambda: len(slack.anchors) == 1)
    await settled(desk)
    assert "▶️" in slack.anchors[0].message.text
    slack.messages.clear()
    await desk.publish(DONE, "succeeded")
    await settled(desk)
    assert slack.anchors == []
    assert len(slack.private) == 1


async def test_a_lost_parent_gets_a_new_thread(desk: Desk, slack: ScriptedSlack) -> None:
    """The reply finds no parent: a new anchor, and the reply below it."""
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    slack.messages.clear()
    slack.scripts["update"] = [Unsent("nothing yet")] * 2
    slack.scripts["post"] = [Gone("thread_not_found")]
    await desk.publish(DONE, "succeeded")
    await until(lambda: len(slack.messages) == 2)
    await settled(desk)
    (anchor,) = slack.anchors
    assert len(slack.thread(anchor.ts)) == 1


async def test_a_dead_token_stops_sending_until_it_is_valid(desk: Desk, slack: ScriptedSlack) -> None:
    """Nothing is lost while the token is refused."""
    await desk.publish(answer(STATUS, "conversation"), "answered")
    await settled(desk)
    slack.identity = Locked("invalid_auth")
    slack.scripts["post"] = [Locked("invalid_auth")]
    await desk.publish(QUEUED, "queued")
    await until(lambda: slack.identified >= 3)
    assert slack.calls.count("post") == 2
    slack.identity = Identity("opsloop", "B1")
    await settled(desk)
    assert len(slack.anchors) == 2


async def test_a_private_answer_goes_the_first_way_that_works(desk: Desk, slack: ScriptedSlack) -> None:
    """Response URL, else ephemeral, else direct."""
    url = "https://hooks.slack.com/x"
    slack.scripts["respond"] = [Stored(Sent()), Dead("HTTP 404"), Dead("HTTP 404")]
    slack.scripts["ephemeral"] = [Stored(Sent()), Dead("user_not_in_channel")]
    for letter in "def":
        state = msgspec.structs.replace(answer(HELP, answer_url=url), id="07-" + letter * 20)
        await desk.publish(state, "answered")
        await settled(desk)
    assert [way for way, _, _ in slack.private] == ["respond", "ephemeral"]
    (direct,) = slack.messages
    assert direct.channel == "U0ALICE"
    assert set((await desk.records()).values()) == {"posted"}


async def test_a_private_answer_everybody_refuses_is_recorded(desk: Desk, slack: ScriptedSlack) -> None:
    """Refused every way: the ledger says so, and nothing repeats it."""
    for way in ("ephemeral", "post"):
        slack.scripts[way] = [Dead("user_not_found")]
    state = answer(HELP)
    await desk.publish(state, "answered")
    await settled(desk)
    assert await desk.records() == {f"{state.id}.private": "undeliverable"}


async def test_logs_are_read_when_they_are_asked_for(desk: Desk, slack: ScriptedSlack) -> None:
    """The private answer shows the end of the task's log."""
    await desk.log(RUNNING, "first", "second")
    await desk.publish(answer(LogsBody(task_id=RUNNING.id, task="schema_fix", target="naples-honda")), "answered")
    await until(lambda: len(slack.private) == 1)
    assert "```\nfirst\nsecond\n```" in str(slack.private[0][2].blocks).replace("\\n", "\n")


async def test_a_status_card_links_what_was_started_from_it(desk: Desk, slack: ScriptedSlack) -> None:
    """The link comes when the task's own message is there, even if the card's event came first."""
    card = answer(STATUS, "conversation")
    await desk.publish(card, "answered")
    await settled(desk)
    task = changed(QUEUED, card=card.id)
    body = msgspec.structs.replace(STATUS, runs=(run_of(task),))
    await desk.publish(msgspec.structs.replace(card, body=body), "updated")
    await until(lambda: len(slack.anchors[0].versions) == 2)
    await desk.publish(task, "queued")
    await until(lambda: len(slack.anchors) == 2)
    link = f"<{PERMALINK}{slack.anchors[1].ts}|open>"
    await until(lambda: link in str(slack.anchors[0].message.blocks), 3)
    await settled(desk)


async def test_progress_waits_and_the_end_does_not(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> None:
    """With the update lane spent, the end of one task still goes: progress left it a reserve."""
    limits = Limits(update=Rate(per_second=0.001, burst=3, reserve=2), post=Rate(100, 100), card_seconds=0)
    desk = Desk(bus, subjects, slack, limits)
    desk.start()
    other = changed(QUEUED, id="07-" + "c" * 20)
    for state in (QUEUED, other):
        await desk.publish(state, "queued")
    await until(lambda: len(slack.anchors) == 2 and desk.owed == 0)
    await desk.publish(RUNNING, "started")
    await until(lambda: slack.calls.count("update") == 1)
    await desk.publish(changed(RUNNING, percent=10), "progressed")
    await desk.publish(changed(DONE, id=other.id), "succeeded")
    await until(lambda: any("✅" in one.message.text for one in slack.anchors))
    assert slack.calls.count("update") == 2
    await desk.stop()


async def test_poison_goes_to_the_dead_letters(desk: Desk, slack: ScriptedSlack, bus: Bus, subjects: Subjects) -> None:
    """What cannot be decoded is set aside, and the others go on."""
    await bus.publish(subjects.event(QUEUED.id, "queued"), b"{}")
    await desk.publish(QUEUED, "queued")
    await settled(desk)
    assert len(slack.anchors) == 1
    assert await bus.last(subjects.stream("DLQ"), subjects.dead_letters("notifier")) is not None
