"""The bus against a real broker."""

import asyncio
import contextlib

import pytest
from nats.js.errors import NotFoundError
from prometheus_client import CollectorRegistry

from broker import NatsServer
from opsloop_common import codec
from opsloop_common.bus import Bus, Conflict, Expect, Refused, Stored, Unconfirmed, streams
from opsloop_common.bus.consume import Ack, Consumer, Delivery, Handler, Hold, Outcome, Reject
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.events import DeadLetter, LogLine
from opsloop_common.records import Bucket
from opsloop_common.subjects import Subjects
from waiting import eventually, until

ID = "07-aaaaaaaaaaaaaaaaaaaa"


async def test_provisioning_twice_changes_nothing(bus: Bus, subjects: Subjects) -> None:
    """The second run of provision does nothing, and nothing differs."""
    assert await streams.provision(bus, subjects) == []
    assert await streams.differences(bus, subjects) == []


async def test_the_consumer_of_unowned_notifiers_is_removed(bus: Bus, subjects: Subjects) -> None:
    """A notifier of an earlier version, left running, gets nothing more to post."""
    js = bus.client.jetstream()
    await js.pull_subscribe("ops.evt.>", durable="notifier", stream="EVT")
    assert await streams.provision(bus, subjects) == ["removed consumer EVT/notifier: nothing of this version reads it"]
    with pytest.raises(NotFoundError):
        await js.consumer_info("EVT", "notifier")


async def test_an_append_fails_when_another_event_of_the_task_came_first(bus: Bus, subjects: Subjects) -> None:
    """The expectation counts every event of the task, whatever its name, and no other task's."""
    first = await bus.publish(subjects.event(ID, "requested"), b"1", expect=Expect(0, subjects.events_of(ID)))
    await bus.publish(subjects.event("07-bbbbbbbbbbbbbbbbbbbb", "requested"), b"x")
    with pytest.raises(Conflict):
        await bus.publish(subjects.event(ID, "queued"), b"2", expect=Expect(0, subjects.events_of(ID)))
    await bus.publish(subjects.event(ID, "queued"), b"2", expect=Expect(first, subjects.events_of(ID)))
    newest = await bus.last(subjects.stream("EVT"), subjects.events_of(ID))
    assert newest is not None
    assert newest.data == b"2"


async def test_connecting_to_nothing_is_an_error_in_a_line(nats_server: NatsServer) -> None:
    """No broker there: OSError with the address, soon."""
    nats_server.kill()
    with pytest.raises(OSError, match="no broker at nats://127"):
        await Bus.connect(nats_server.url, "test")


async def test_a_publish_nobody_stores_is_refused(bus: Bus) -> None:
    """A subject without a stream is refused, not lost."""
    with pytest.raises(Refused):
        await bus.publish("nowhere.at.all", b"")


async def test_a_publish_without_a_broker_is_unconfirmed_and_never_sent_later(
    bus: Bus, nats_server: NatsServer, subjects: Subjects
) -> None:
    """Nothing waits in the client: what failed while the broker was away does not appear when it is back."""
    nats_server.kill()
    with pytest.raises(Unconfirmed):
        await bus.publish(subjects.command("help"), b"ghost", deadline_seconds=0.5)
    nats_server.start()
    await until(lambda: bus.is_connected)
    await bus.publish(subjects.command("help"), b"real")
    found = await bus.read(subjects.stream("CMD"), subjects.all_commands)
    assert [one.data for one in found] == [b"real"]


async def test_an_onlooker_sees_what_passes_by(bus: Bus, subjects: Subjects, seen: list[bytes]) -> None:
    """A watcher gets the messages published while it watches."""

    async def look() -> None:
        async for message in bus.watch(subjects.all_commands):
            seen.append(message.data)

    watching = asyncio.create_task(look())
    for number in range(100):
        await bus.publish(subjects.command("help"), str(number).encode())
        if seen:
            break
    await until(lambda: bool(seen))
    watching.cancel()
    await asyncio.wait([watching])


async def test_reading_a_log_of_many_pages(bus: Bus, subjects: Subjects) -> None:
    """More lines than a page holds come back whole and in order."""
    for number in range(300):
        await bus.publish(subjects.log(ID), str(number).encode())
    found = await bus.read(subjects.stream("LOG"), subjects.log(ID))
    assert [int(one.data) for one in found] == list(range(300))
    assert await bus.read(subjects.stream("LOG"), subjects.log("07-cccccccccccccccccccc")) == []


async def test_records_change_by_compare_and_swap(bus: Bus, subjects: Subjects) -> None:
    """A stale revision is refused; a deleted record reads as none and can be written again."""
    bucket = Bucket(bus, subjects.bucket("TARGETS"), dict[str, str])
    first = await bucket.put("a", {"n": "1"}, revision=0)
    with pytest.raises(Conflict):
        await bucket.put("a", {"n": "2"}, revision=0)
    second = await bucket.put("a", {"n": "2"}, revision=first)
    await bucket.put("b", {"n": "9"})
    assert [entry.key for entry in await bucket.under(">")] == ["a", "b"]
    await bucket.delete("a", revision=second)
    gone = await bucket.get("a")
    assert gone.value is None
    assert [entry.key for entry in await bucket.under(">")] == ["b"]
    await bucket.put("a", {"n": "3"}, revision=gone.revision)


class Running:
    def __init__(self, consumer: Consumer) -> None:
        self.task = asyncio.create_task(consumer.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.fixture
def seen() -> list[bytes]:
    return []


def commands(
    bus: Bus, subjects: Subjects, handler: Handler, capacity: int = 4, series: ConsumerSeries | None = None
) -> Consumer:
    return Consumer(
        bus,
        service="orchestrator",
        stream=subjects.stream("CMD"),
        durable="orchestrator",
        subjects=subjects,
        handler=handler,
        capacity=capacity,
        series=series,
    )


async def test_consuming_survives_a_broker_that_is_killed(
    bus: Bus, nats_server: NatsServer, subjects: Subjects, seen: list[bytes]
) -> None:
    """What is published after the broker's return is consumed without hands."""

    async def handler(delivery: Delivery) -> Outcome:
        seen.append(delivery.data)
        return Ack()

    running = Running(commands(bus, subjects, handler))
    await bus.publish(subjects.command("help"), b"before")
    await until(lambda: b"before" in seen)
    nats_server.kill()
    nats_server.start()
    await publish_until_confirmed(bus, subjects.command("help"), b"after")
    await until(lambda: b"after" in seen)
    await running.stop()


async def test_a_rejected_message_reaches_the_dead_letters_and_the_others_go_on(
    bus: Bus, subjects: Subjects, seen: list[bytes]
) -> None:
    """Poison is set aside once with its reason; a handler that raises counts as poison too."""

    async def handler(delivery: Delivery) -> Outcome:
        if delivery.data == b"poison":
            return Reject("it is poison")
        if delivery.data == b"bug":
            raise KeyError("oops")
        seen.append(delivery.data)
        return Ack()

    running = Running(commands(bus, subjects, handler))
    for payload in (b"poison", b"bug", b"good"):
        await bus.publish(subjects.command("help"), payload)
    await until(lambda: seen == [b"good"])
    letters = await until_found(bus, subjects, 2)
    assert {letter.reason for letter in letters} == {"it is poison", "KeyError: 'oops'"}
    await running.stop()


async def test_poison_that_is_delivered_again_is_set_aside_once(bus: Bus, subjects: Subjects) -> None:
    """However late it comes again: a broker that was killed may repeat what it had seen acknowledged."""
    handled: list[int] = []

    async def handler(delivery: Delivery) -> Outcome:
        handled.append(delivery.sequence)
        return Reject("poison")

    first = Running(commands(bus, subjects, handler))
    await bus.publish(subjects.command("help"), b"poison")
    await until_found(bus, subjects, 1)
    await first.stop()
    js = bus.client.jetstream()
    await js.delete_consumer("CMD", "orchestrator")
    await streams.provision(bus, subjects)
    again = Running(commands(bus, subjects, handler))
    await until(lambda: len(handled) == 2)
    await bus.publish(subjects.command("help"), b"another")
    letters = await until_found(bus, subjects, 2)
    await again.stop()
    assert [letter.data for letter in letters] == [b"poison", b"another"]


async def test_consumers_tell_their_lag_and_what_became_of_messages(bus: Bus, subjects: Subjects) -> None:
    """The series of a consumer: nothing waits once all is handled, and each outcome is counted."""
    registry = CollectorRegistry()

    async def handler(delivery: Delivery) -> Outcome:
        return Ack() if delivery.data == b"good" else Reject("poison")

    running = Running(commands(bus, subjects, handler, series=ConsumerSeries(registry)))
    for payload in (b"good", b"bad", b"good"):
        await bus.publish(subjects.command("help"), payload)
    labels = {"stream": "CMD", "consumer": "orchestrator"}

    def handled(outcome: str) -> float | None:
        return registry.get_sample_value("opsloop_messages_handled_total", {**labels, "outcome": outcome})

    await until(lambda: (handled("ack"), handled("reject")) == (2, 1))
    assert registry.get_sample_value("opsloop_consumer_lag_messages", labels) == 0
    await running.stop()


async def test_no_more_messages_are_taken_than_can_be_handled(bus: Bus, subjects: Subjects, seen: list[bytes]) -> None:
    """With room for one, the second message waits for the first; a held one frees its place at once."""
    gate = asyncio.Event()

    async def handler(delivery: Delivery) -> Outcome:
        seen.append(delivery.data)
        if delivery.data == b"1":
            await gate.wait()
        return Hold() if delivery.data == b"2" else Ack()

    running = Running(commands(bus, subjects, handler, capacity=1))
    for payload in (b"1", b"2", b"3"):
        await bus.publish(subjects.command("help"), payload)
    await until(lambda: seen == [b"1"])
    gate.set()
    await until(lambda: seen == [b"1", b"2", b"3"])
    await running.stop()


def test_a_log_line_survives_the_codec() -> None:
    """What is written can be read."""
    line = codec.decode(b'{"at":"2026-01-01T00:00:00Z","attempt":1,"line":"x","later":true}', LogLine)
    assert line.line == "x"


async def publish_until_confirmed(bus: Bus, subject: str, payload: bytes) -> None:
    """An unknown publish is repeated under the same id until it is known."""
    for _ in range(10):
        with contextlib.suppress(Unconfirmed):
            await bus.publish(subject, payload, message_id="the-same", deadline_seconds=0.5)
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the broker did not come back")


async def until_found(bus: Bus, subjects: Subjects, count: int) -> list[DeadLetter]:
    deadline = asyncio.get_running_loop().time() + 5
    while True:
        found = await bus.read(subjects.stream("DLQ"), subjects.dead_letters("orchestrator"))
        if len(found) >= count or asyncio.get_running_loop().time() > deadline:
            return [codec.decode(one.data, DeadLetter) for one in found]
        await asyncio.sleep(0.02)


async def until_read(bus: Bus, stream: str) -> list[Stored]:
    """What a stream without acknowledgements holds, once it holds something: a flush comes back before it is stored."""
    found: list[Stored] = []

    async def stored() -> bool:
        found[:] = await bus.read(stream, ">")
        return bool(found)

    await eventually(stored)
    return found


async def test_each_publisher_has_a_stream_that_takes_no_more_than_it_should(bus: Bus, subjects: Subjects) -> None:
    """Too large, or of nobody in the catalogue: no stream takes it. No acknowledgement goes where the sender says."""
    assert await streams.provision(bus, subjects, ("ci", "etl")) != []
    assert await streams.provision(bus, subjects, ("ci", "etl")) == []
    assert await streams.differences(bus, subjects, ("ci", "etl")) == []
    begun = await bus.last("EVT", subjects.all_events)
    reply = subjects.event("00-aaaaaaaaaaaaaaaaaaaa", "succeeded")
    for subject, size in (("ops.ext.ci.t.running", 70_000), ("ops.ext.ci.t.running", 10), ("ops.ext.cd.t.running", 10)):
        await bus.client.publish(subject, b"x" * size, reply=reply)
    assert [len(one.data) for one in await until_read(bus, "EXT_ci")] == [10]
    assert await bus.last("EVT", subjects.all_events) == begun


async def test_a_publisher_that_left_the_catalogue_reaches_no_stream(bus: Bus, subjects: Subjects) -> None:
    """Its stream goes with it; where the catalogue is not known, nothing is removed."""
    await streams.provision(bus, subjects, ("ci", "etl"))
    assert await streams.provision(bus, subjects) == []
    assert await streams.provision(bus, subjects, ("etl",)) == [
        "removed stream EXT_ci: its publisher is no longer in the catalogue"
    ]
    await bus.client.publish("ops.ext.ci.t.running", b"{}")
    await bus.client.publish("ops.ext.etl.t.running", b"{}")
    assert len(await until_read(bus, "EXT_etl")) == 1
    assert "stream EXT_ci is missing" in await streams.differences(bus, subjects, ("ci", "etl"))
