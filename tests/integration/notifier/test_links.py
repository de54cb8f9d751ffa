"""Messages that lead to other tasks' cards, and name people, over a real broker."""

from integration.notifier.scripted import PERMALINK, Desk, ScriptedSlack, Visible
from opsloop_common.answers import RefusedBody, TaskRow, TasksBody
from opsloop_common.events import Behind, FollowUp, Parent, TaskState
from opsloop_notifier.outcome import Limited
from unit.notifier.states import ALICE, ENDED, QUEUED, RUNNING, START, answer, changed
from waiting import until

FIRST = changed(RUNNING, percent=10)
SECOND = changed(QUEUED, id="07-" + "c" * 20, task="ugc_audit")


def card_of(slack: ScriptedSlack, task: TaskState) -> Visible:
    return next(one for one in slack.anchors if one.message.text.startswith(f"{task.task} for"))


def link_to(visible: Visible) -> str:
    return f"<{PERMALINK}{visible.ts}|open>"


async def test_a_task_that_waits_leads_to_the_one_in_its_way(desk: Desk, slack: ScriptedSlack) -> None:
    """The card names who started the other one, and links it."""
    await desk.publish(FIRST, "started")
    await until(lambda: len(slack.anchors) == 1)
    waiting = changed(SECOND, behind=Behind(FIRST.id, FIRST.task, ALICE), place=1)
    await desk.publish(waiting, "queued")
    expected = f"behind *schema_fix* (started by Alice Rivera · {link_to(slack.anchors[0])})"
    await until(lambda: expected in str([one.message.blocks for one in slack.anchors]))
    await until(lambda: desk.owed == 0)


async def test_tasks_that_follow_one_another_are_linked_both_ways(desk: Desk, slack: ScriptedSlack) -> None:
    """The one before leads to the one after, whose card comes later; that one leads back."""
    done = changed(FIRST, status="succeeded", percent=100, ended_at=ENDED)
    after = FollowUp(task=SECOND.task, task_id=SECOND.id, outcome="started")
    denied = FollowUp(task="arr_forecast", task_id="07-" + "d" * 20, outcome="denied", reason="guest")
    await desk.publish(changed(done, follow_ups=(after, denied)), "followed")
    await until(lambda: len(slack.anchors) == 1)
    await desk.publish(changed(SECOND, parent=Parent(done.id, done.task)), "queued")
    await until(lambda: len(slack.anchors) == 2)
    before_it, after_it = card_of(slack, done), card_of(slack, SECOND)
    await until(lambda: f"Started by *schema_fix* ({link_to(before_it)})" in str(after_it.message.blocks))
    await until(lambda: f"▶ *ugc_audit* ({link_to(after_it)})" in str(before_it.message.blocks), 10)
    await until(lambda: desk.owed == 0, 10)


async def test_the_thread_says_who_cancelled(desk: Desk, slack: ScriptedSlack) -> None:
    """By name, in the card and in its thread."""
    await desk.publish(changed(FIRST, status="cancelled", cancelled_by=ALICE, ended_at=ENDED), "cancelled")
    await until(lambda: len(slack.messages) == 2)
    (anchor,) = slack.anchors
    assert slack.thread(anchor.ts) == ["🚫 Cancelled by Alice Rivera."]
    assert "🚫 Cancelled by Alice Rivera" in anchor.message.text


async def test_a_list_of_tasks_leads_to_their_cards(desk: Desk, slack: ScriptedSlack) -> None:
    """Rows with a card have a link, others none; people are named."""
    await desk.publish(FIRST, "started")
    await until(lambda: len(slack.anchors) == 1)
    known, unknown = row_of(FIRST), row_of(changed(SECOND, status="running"))
    await desk.publish(answer(TasksBody(command="/d", running=(known, unknown))), "answered")
    await until(lambda: len(slack.private) == 1)
    lines = slack.private[0][2].text.splitlines()
    assert lines[1].endswith(link_to(slack.anchors[0]))
    assert lines[2].endswith(f"`{SECOND.id}`")
    assert all("started by Alice Rivera" in line for line in lines[1:3])


async def test_a_list_does_not_wait_for_links_that_do_not_come(desk: Desk, slack: ScriptedSlack) -> None:
    """Slack gives no links for a minute: the list comes without them."""
    for task in (FIRST, SECOND):
        await desk.publish(task, "started")
    await until(lambda: len(slack.anchors) == 2)
    slack.scripts["permalink"] = [Limited(60)]
    await desk.publish(answer(TasksBody(command="/d", running=(row_of(FIRST), row_of(SECOND)))), "answered")
    await until(lambda: len(slack.private) == 1, 5)
    assert "|open>" not in slack.private[0][2].text


async def test_owners_are_named_to_whoever_is_refused(desk: Desk, slack: ScriptedSlack) -> None:
    """User ids of the catalogue become names."""
    body = RefusedBody(reason="not_yours", command="/d", task="t", target="n", owners=("U0ALICE",))
    await desk.publish(answer(body), "denied")
    await until(lambda: len(slack.private) == 1)
    assert "an owner (Alice Rivera)" in slack.private[0][2].text


def row_of(task: TaskState) -> TaskRow:
    return TaskRow(id=task.id, task=task.task, target=task.target, status=task.status, by=ALICE, at=START, sequence=1)
