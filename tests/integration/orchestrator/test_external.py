"""What other systems report, against a real broker: admitted, refused, coalesced, told back, watched."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from integration.orchestrator.loop import ALICE, OPS
from integration.orchestrator.outside import BEGIN, Outside, orchestrator
from integration.orchestrator.serving import VERIFIED, identities, serving
from opsloop_common import codec, service
from opsloop_common.answers import PressedBody, RefusedBody
from opsloop_common.bus import Bus, streams
from opsloop_common.commands import CancelTask, PressButton, RetryTask, RunTask
from opsloop_common.notices import Accepted, Clicked, Shown
from opsloop_common.outbox import Outbox
from opsloop_common.reports import Fault
from opsloop_common.subjects import Subjects, make_id


async def test_three_fields_are_a_task_and_its_publisher_is_told_once(outside: Outside) -> None:
    """Title, state and channel; steps, log and links follow, and the end says what came of it."""
    await outside.report("b7", {"title": "Build 7", "state": "running", "channel": "C1"})
    begun = await outside.is_now("b7", status="running")
    assert (begun.task, begun.conversation, begun.requested_by.user) == ("ci", OPS, "")
    more = {"percent": 40.5, "step": "Compiled", "log": ["one", "password hunter2-secret-value", "\x1b[31mred"]}
    await outside.report("b7", more | {"links": [{"label": "Log", "url": "https://ci.example/7"}]})
    moved = await outside.is_now("b7", percent=40, step="Compiled")
    assert moved.external is not None
    assert moved.external.links[0].url == "https://ci.example/7"
    await outside.report("b7", {"state": "succeeded", "summary": "All green"})
    ended = await outside.is_now("b7", status="succeeded", percent=100)
    assert ended.result is not None
    assert ended.result.summary == "All green"
    assert await outside.log(outside.id("b7")) == ["one", "password [redacted]", "\ufffd[31mred"]
    (accepted,) = await outside.told("b7", "accepted")
    assert codec.decode(accepted, Accepted).id == outside.id("b7")
    assert [name for name, _ in await outside.events(outside.id("b7"))] == ["reported", "reported", "succeeded"]


async def test_a_cloud_event_is_the_same(outside: Outside) -> None:
    """Structured mode; its id makes it count once."""
    event = {"specversion": "1.0", "id": "e1", "source": "/ci", "type": "build", "data": BEGIN | {"percent": 10}}
    for _ in range(3):
        await outside.report("b8", event)
    await outside.handled()
    state = await outside.is_now("b8", percent=10)
    assert state.external is not None
    assert len(state.external.ids) == 1


@pytest.mark.parametrize(
    ("said", "reason", "pointer"),
    [
        (b"not json", "not_json", ""),
        (b'{"title":"\\ud800","state":"running"}', "not_json", ""),
        (b'{"title":"x","percent":NaN}', "not_json", ""),
        (b'{"a":' * 2000, "not_json", ""),
        ({"title": "x" * 40_000}, "too_large", ""),
        (BEGIN | {"percent": 250}, "not_an_event", "/percent"),
        (BEGIN | {"task_id": "another"}, "bad_task_id", "/task_id"),
        (BEGIN | {"channel": "C9"}, "channel_not_allowed", "/channel"),
        (BEGIN | {"target": "tampa"}, "target_not_allowed", "/target"),
        ({"state": "running"}, "incomplete", "/title"),
        ({"title": "x"}, "incomplete", "/state"),
        (BEGIN | {"buttons": [{"id": "a", "label": "\u200b"}]}, "not_an_event", "/buttons/0/label"),
        ({"specversion": "1.0", "id": "1", "data": {"state": "running"}}, "incomplete", "/data/title"),
    ],
)
async def test_what_is_wrong_is_told_and_becomes_nothing(
    outside: Outside, said: object, reason: str, pointer: str
) -> None:
    """By reason and pointer, to whoever published and to whoever asked; no task, no dead letter."""
    await outside.report("bad", said, event="begun")
    (told,) = await outside.rejected("bad")
    assert (told.fault.reason, told.fault.pointer, told.event) == (reason, pointer, "begun")
    assert told.fault.expected
    named = said if isinstance(said, bytes) else {"task_id": "bad"} | said  # type: ignore[operator]
    if reason != "bad_task_id" and "specversion" not in str(said):
        answer = await outside.request(named)
        assert answer.outcome == "rejected"
        assert answer.fault == told.fault
    assert await outside.bus.last("EVT", ">") is None
    assert await outside.bus.last("DLQ", ">") is None


async def test_ids_that_are_none_are_told_where_no_task_is_named(outside: Outside) -> None:
    """A subject may hold what no token of ours may."""
    await outside.report("b.7".replace(".", "é"), BEGIN)
    (told,) = await outside.rejected("_")
    assert (told.fault.reason, told.task_id) == ("bad_task_id", "")


async def test_a_task_belongs_to_the_publisher_of_its_subject(outside: Outside) -> None:
    """The same id at another publisher is another task, and an internal task's id is just a name."""
    internal = await outside.run("patient")
    await outside.status(internal, "running")
    before = await outside.task(internal)
    await outside.report("b7", BEGIN)
    await outside.is_now("b7", status="running")
    await outside.report("b7", {"title": "Load 7", "state": "failed"}, publisher="etl")
    await outside.report(internal, {"title": "Mine now", "state": "cancelled"})
    assert (await outside.is_now("b7", "etl", status="failed")).title == "Loads"
    assert (await outside.is_now(internal, status="cancelled")).task == "ci"
    assert (await outside.is_now("b7")).status == "running"
    assert (await outside.task(internal))[0].status == before[0].status == "running"
    await outside.cancel(internal, before[1])
    await outside.ended(internal)


async def test_order_is_the_publishers_own_or_that_of_arrival(outside: Outside) -> None:
    """An older event changes nothing, whichever way the order is known; the same id once more neither."""
    await outside.report("b1", BEGIN | {"sequence": 5, "percent": 50})
    await outside.is_now("b1", percent=50)
    await outside.report("b1", {"sequence": 4, "percent": 90, "state": "failed"})
    await outside.report("b1", {"percent": 60, "id": "once"}, message_id="a")
    await outside.report("b1", {"percent": 80, "id": "once"}, message_id="b")
    await outside.handled()
    assert (await outside.is_now("b1")).percent == 60
    assert (await outside.request({"task_id": "b1", "percent": 99, "sequence": 5})).outcome == "overtaken"
    assert (await outside.request({"task_id": "b1", "percent": 99, "id": "once"})).outcome == "duplicate"
    assert (await outside.request({"task_id": "b1", "percent": 70, "sequence": 6})).outcome == "accepted"
    assert await outside.told("b1", "rejected") == []


async def test_after_the_end_nothing_moves(outside: Outside) -> None:
    """A new run is a new task id."""
    await outside.report("b2", BEGIN)
    await outside.report("b2", {"state": "failed", "error": "exit 1"})
    await outside.is_now("b2", status="failed")
    await outside.report("b2", {"state": "running"})
    (told,) = await outside.rejected("b2")
    assert (told.fault.reason, told.fault.pointer) == ("ended", "/state")
    assert (await outside.is_now("b2")).status == "failed"


async def test_a_card_stays_where_it_is(outside: Outside) -> None:
    """Later events need not say where; saying another channel or target is a fault."""
    await outside.report("b3", BEGIN | {"channel": "C2"})
    await outside.handled()
    assert (await outside.request({"task_id": "b3", "percent": 30})).outcome == "accepted"
    answer = await outside.request({"task_id": "b3", "percent": 40, "channel": "C1"})
    assert answer.fault == Fault(
        reason="other_channel", pointer="/channel", expected="C2, where the task is shown already"
    )
    answer = await outside.request({"task_id": "b3", "percent": 40, "target": "naples"})
    assert answer.fault is not None
    assert answer.fault.pointer == "/target"


async def test_a_press_comes_back_once_with_who_it_was(outside: Outside) -> None:
    """However often the click is delivered; the person is answered, and named with a verified address."""
    async with serving(outside.bus, identities(outside.subjects, lambda _: VERIFIED)):
        await outside.report("b4", BEGIN | {"buttons": [{"id": "stop", "label": "Stop <!channel>", "style": "danger"}]})
        await outside.is_now("b4", status="running")
        _, drawn_at = await outside.task(outside.id("b4"))
        await outside.report("b4", {"percent": 30})
        await outside.is_now("b4", percent=30)
        press = PressButton(task_id=outside.id("b4"), drawn_at=drawn_at, button=1, **outside.common())  # type: ignore[arg-type]
        for _ in range(3):
            await outside.ask(press, again=True)
        body = (await outside.answer(press.request_id)).body
        assert body == PressedBody(task_id=outside.id("b4"), publisher="Builds", label="Stop <!channel>")
        await outside.handled()
        (told,) = [codec.decode(one, Clicked) for one in await outside.told("b4", "clicked")]
        assert (told.button, told.by, told.email, told.click_id) == (
            "stop", ALICE, "alice@naples-honda.example", press.request_id,
        )  # fmt: skip


async def test_buttons_that_are_gone_or_not_ours_to_press_do_nothing(outside: Outside) -> None:
    """Drawn before they were replaced, beyond their number, of another conversation; nor are there any of our own."""
    await outside.report("b5", BEGIN | {"buttons": [{"id": "a", "label": "A"}]})
    await outside.is_now("b5", status="running")
    id, (_, drawn_at) = outside.id("b5"), await outside.task(outside.id("b5"))
    await outside.report("b5", {"buttons": [{"id": "b", "label": "B"}]})
    await outside.handled()
    _, newest = await outside.task(id)

    async def reason(command: PressButton | CancelTask | RetryTask | RunTask) -> str:
        body = (await outside.answer(await outside.ask(command))).body
        assert isinstance(body, RefusedBody)
        return body.reason

    def common(**more: object) -> dict[str, object]:
        return outside.common() | more

    elsewhere = type(OPS)("T1", "C9")
    assert await reason(PressButton(task_id=id, drawn_at=drawn_at, button=1, **common())) == "button_outdated"  # type: ignore[arg-type]
    assert await reason(PressButton(task_id=id, drawn_at=newest, button=2, **common())) == "button_outdated"  # type: ignore[arg-type]
    foreign = PressButton(task_id=id, drawn_at=newest, button=1, **common(conversation=elsewhere))  # type: ignore[arg-type]
    assert await reason(foreign) == "button_unknown"
    assert await reason(CancelTask(task_id=id, drawn_at=newest, **common())) == "button_unknown"  # type: ignore[arg-type]
    assert await reason(RetryTask(task_id=id, drawn_at=newest, **common())) == "button_unknown"  # type: ignore[arg-type]
    assert await outside.told("b5", "clicked") == []


async def test_silence_is_shown_then_the_outcome_is_unknown_and_life_is_another_attempt(outside: Outside) -> None:
    """The timers lie in the task's state; whoever comes back is believed."""
    await outside.report("l1", {"title": "Load", "percent": 30}, publisher="etl")
    silent = await outside.is_now("l1", "etl", silent_seconds=1.0)
    assert silent.external is not None
    assert silent.silent_since == silent.external.seen_at
    gone = await outside.is_now("l1", "etl", status="unknown")
    assert gone.failure is not None
    assert gone.failure.code == "gone"
    await outside.report("l1", {"percent": 50}, publisher="etl")
    back = await outside.is_now("l1", "etl", status="running", attempt=2)
    assert (back.silent_since, back.failure, back.percent) == (None, None, 50)


async def test_silence_survives_a_restart(bus: Bus, subjects: Subjects, tmp_path: Path) -> None:
    """Whoever watches next finds the time in the state."""
    await streams.provision(bus, subjects, ("ci", "etl"))
    outside = Outside(bus, subjects)
    async with orchestrator(bus, subjects, tmp_path):
        await outside.report("l2", {"title": "Load", "percent": 30}, publisher="etl")
        await outside.is_now("l2", "etl", percent=30)
    async with orchestrator(bus, subjects, tmp_path):
        gone = await outside.is_now("l2", "etl", status="unknown")
        assert gone.failure is not None
        assert gone.failure.code == "gone"


async def test_a_flood_stops_nobody_else(outside: Outside) -> None:
    """Ten thousand events in a burst become a few, the newest wins, and the others go on meanwhile."""
    for number in range(10_000):
        said = b'{"title":"Flood","percent":%d}' % (number // 101)
        await outside.bus.client.publish(outside.subjects.reported("ci", "flood", "said"), said)
    await outside.bus.client.flush()
    began = asyncio.get_running_loop().time()
    await outside.report("l3", {"title": "Load", "state": "running"}, publisher="etl")
    await outside.is_now("l3", "etl", status="running")
    of_another = asyncio.get_running_loop().time() - began
    began = asyncio.get_running_loop().time()
    await outside.ended(await outside.run("steady"))
    of_a_person = asyncio.get_running_loop().time() - began
    await outside.handled()
    state = await outside.is_now("flood")
    assert state.percent == 99
    written = await outside.bus.read("EVT", outside.subjects.events_of(state.id), at_most=10_000)
    assert written[-1].sequence - written[0].sequence < 1_000
    assert of_another < 5, of_another
    assert of_a_person < 10, of_a_person


async def test_many_bad_events_are_bounded_too(outside: Outside) -> None:
    """What a publisher does wrong costs it its own pace."""
    for _ in range(300):
        await outside.bus.client.publish(outside.subjects.reported("ci", "bad", "said"), b"nothing")
    began = datetime.now(UTC)
    await outside.report("l4", {"title": "Load", "state": "running"}, publisher="etl")
    await outside.is_now("l4", "etl", status="running")
    assert (datetime.now(UTC) - began).total_seconds() < 3
    await outside.handled()


async def test_an_unknown_publisher_reaches_no_stream(outside: Outside) -> None:
    """Nor is there anybody to ask."""
    await outside.report("x", BEGIN, publisher="stranger")
    with pytest.raises(service.Unanswered) as raised:
        await outside.request(BEGIN | {"task_id": "x"}, publisher="stranger")
    assert raised.value.code == service.NO_RESPONDERS
    assert await outside.bus.last("EVT", ">") is None


async def test_an_answer_goes_to_an_inbox_alone(outside: Outside) -> None:
    """Whoever may only ask could otherwise have our answer stored among the events: such a question is not taken."""
    await outside.handled()
    assert (await outside.request({"task_id": "b8", "title": "x", "state": "running"})).outcome == "accepted"
    reply = outside.subjects.event(make_id(OPS, "nothing"), "succeeded")
    said = {"task_id": "b9", "title": "x", "state": "running", "id": "e1"}
    await outside.bus.client.publish(outside.subjects.publishing("ci"), msgspec.json.encode(said), reply=reply)
    await outside.bus.client.flush()
    assert (await outside.request(said)).outcome == "accepted"
    assert await outside.bus.last("EVT", outside.subjects.events_of(make_id(OPS, "nothing"))) is None


async def test_what_is_told_once_is_told_once(outside: Outside) -> None:
    """However often it is tried: after a crash nobody knows whether it was."""
    outbox = Outbox(outside.bus, outside.subjects)
    now = datetime.now(UTC)
    for _ in range(2):
        await outbox.once(Accepted(publisher="ci", task_id="b1", id=outside.id("b1"), at=now))
        await outbox.once(Shown(publisher="ci", task_id="b1", id=outside.id("b1"), at=now))
    assert len(await outside.told("b1", "accepted")) == 1
    assert len(await outside.told("b1", "shown")) == 1


async def test_a_beginning_that_comes_late_is_waited_for(bus: Bus, subjects: Subjects, tmp_path: Path) -> None:
    """It was in the hands of a replica that died with it: what cannot begin a task is not refused meanwhile."""
    await streams.provision(bus, subjects, ("ci", "etl"))
    outside = Outside(bus, subjects)
    await outside.report("b1", BEGIN)
    held = await bus.client.subscribe("_INBOX.held")
    ask = "$JS.API.CONSUMER.MSG.NEXT.EXT_ci.orchestrator"
    await bus.client.publish(ask, b'{"batch":1,"expires":5000000000}', reply="_INBOX.held")
    assert b"Build 7" in (await held.next_msg(5)).data
    await outside.report("b1", {"state": "succeeded"})
    async with orchestrator(bus, subjects, tmp_path):
        await outside.is_now("b1", status="succeeded")
        assert await outside.told("b1", "rejected") == []
