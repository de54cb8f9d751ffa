"""What a process that died between two steps leaves behind is found and completed by whoever comes next.

Each test writes what such a process had written, word for word, and then starts another one.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from broker import NatsServer
from integration.orchestrator.loop import ALICE, OPS, eventually
from integration.orchestrator.replicas import TARGET, TASKS, Replicas, replicas_at
from opsloop_common.bus import Bus, BusError
from opsloop_common.bus.consume import Ack, Consumer, Delivery
from opsloop_common.catalogue import TaskType, parse
from opsloop_common.checkpoints import StepRecord
from opsloop_common.commands import RunTask
from opsloop_common.events import Failure, TaskState
from opsloop_common.records import Bucket
from opsloop_common.runtime import together
from opsloop_common.subjects import Subjects, make_id
from opsloop_common.task import Result
from opsloop_orchestrator import moves
from opsloop_orchestrator.journal import Journal
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.projection import Row, row_of
from opsloop_orchestrator.steps import Steps
from opsloop_orchestrator.targets import Entered, Joined, Member, TargetRecord, Targets

DEAD = "orchestrator-that-died"
TAKEN_UP_WITHIN_SECONDS = 9
THEN = TASKS.replace('title = "Keyed"', 'title = "Keyed"\nthen = ["steady"]')


def now() -> datetime:
    return datetime.now(UTC)


class Dead:
    """An orchestrator that gets as far as a test lets it."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.subjects = bus, Subjects()
        self.journal = Journal(bus, self.subjects, now)
        self.lines = Bucket(bus, "TARGETS", TargetRecord)
        self.targets = Targets(self.lines, self.journal, now)
        self.steps = Steps(Bucket(bus, "STEPS", StepRecord))
        self.rows = Bucket(bus, "TASKS", Row)
        text = (TASKS + TARGET.replace("NAME", "naples")).replace("WORK", "0").replace("TIMEOUT", "60")
        self.kinds: dict[str, TaskType] = parse(text, "test").tasks
        self._number = 0

    def new(self, task: str) -> TaskState:
        self._number += 1
        id = make_id(OPS, "left", str(self._number))
        at = now()
        return TaskState(
            id=id, task=task, target="naples", title="Naples", conversation=OPS, requested_by=ALICE, requested_at=at,
            status="queued", queued_at=at,
        )  # fmt: skip

    async def append(self, move: Move, sequence: int) -> int:
        return await self.journal.append(move.event, move.state, sequence)

    async def queued(self, task: str) -> tuple[TaskState, int]:
        """In line, and told so."""
        state = self.new(task)
        await self.targets.enter(state)
        return state, await self.append(Move("queued", state), 0)

    async def started(self, task: str) -> tuple[TaskState, int]:
        state, sequence = await self.queued(task)
        move = moves.start(state, self.kinds[task], DEAD, now())
        return move.state, await self.append(move, sequence)

    async def hears(self, durable: str) -> None:
        """Takes every message of a consumer, and dies."""

        async def take(delivery: Delivery) -> Ack:
            return Ack()

        async def nothing_left() -> bool | None:
            info = await self.bus.client.jetstream().consumer_info("EVT", durable)
            return (info.num_pending, info.num_ack_pending) == (0, 0) or None

        async def until_empty() -> None:
            await eventually(nothing_left)
            raise TimeoutError

        consumer = Consumer(
            self.bus, service="test", stream="EVT", durable=durable, subjects=self.subjects, handler=take, capacity=8
        )
        with pytest.raises(TimeoutError):
            await together(consumer.run(), until_empty())

    async def dies_of(self, durable: str) -> None:
        """Takes every message of a consumer, and acknowledges none."""
        subscription = await self.bus.client.jetstream().pull_subscribe_bind(durable, "EVT")
        assert await subscription.fetch(10, timeout=2)
        await subscription.unsubscribe()


@pytest.fixture
async def replicas(tmp_path: Path, nats_server: NatsServer, bus: Bus) -> AsyncIterator[Replicas]:
    async with replicas_at(tmp_path, nats_server, bus) as running:
        yield running


@pytest.fixture
def dead(bus: Bus) -> Dead:
    return Dead(bus)


async def test_between_a_place_in_line_and_its_task(replicas: Replicas, dead: Dead) -> None:
    """The command comes again and gets the place it has; whoever came later waits behind it."""
    first, second = dead.new("plain"), dead.new("steady")
    for task in (first, second):
        await dead.targets.enter(task)
    for task in (first, second):
        fields = {"request_id": task.id, "actor": ALICE, "conversation": OPS, "asked_at": now()}
        await replicas.loop.ask(RunTask(task=task.task, target=task.target, **fields))  # type: ignore[arg-type]
    await replicas.start("next")
    ends = [(await replicas.loop.ended(task.id))[0] for task in (first, second)]
    assert [state.status for state in ends] == ["succeeded", "succeeded"]
    assert ends[1].started_at is not None
    assert ends[0].ended_at is not None
    assert ends[1].started_at >= ends[0].ended_at


async def test_between_a_place_in_line_and_a_task_that_never_came(replicas: Replicas, dead: Dead) -> None:
    """A place whose command is gone is given up after a minute."""
    unborn = dead.new("plain")
    await dead.lines.put("naples", TargetRecord((Member(unborn.id, now() - timedelta(seconds=61)),)))
    behind, _ = await dead.queued("steady")
    await dead.hears("orchestrator-queued")
    await replicas.start("next")
    assert (await replicas.loop.ended(behind.id))[0].status == "succeeded"


async def test_between_queued_and_a_worker(replicas: Replicas, dead: Dead) -> None:
    """The event was heard by a process that died: the task is found among those that wait."""
    task, _ = await dead.queued("steady")
    await dead.hears("orchestrator-queued")
    await replicas.start("next")
    assert (await replicas.loop.ended(task.id))[0].status == "succeeded"


@pytest.mark.parametrize(("kind", "status"), [("steady", "succeeded"), ("effect_once", "unknown")])
async def test_between_started_and_the_handler(replicas: Replicas, dead: Dead, kind: str, status: str) -> None:
    """What can be repeated is; anything else says that nobody knows, and its target goes on."""
    task, _ = await dead.started(kind)
    behind, _ = await dead.queued("plain")
    await dead.hears("orchestrator-queued")
    await replicas.start("next")
    assert (await replicas.loop.ended(task.id))[0].status == status
    assert (await replicas.loop.ended(behind.id))[0].status == "succeeded"


async def test_between_an_event_and_the_list_of_tasks(replicas: Replicas, dead: Dead) -> None:
    """Nobody sees on the list what is to be taken up: it is told again while a person still waits for it."""
    task, _ = await dead.started("steady")
    await dead.hears("orchestrator-queued")
    await dead.dies_of("orchestrator-projection")
    await replicas.start("next")

    async def ended() -> bool | None:
        return not (await replicas.loop.task(task.id))[0].is_open or None

    await eventually(ended, TAKEN_UP_WITHIN_SECONDS)


async def test_between_a_step_s_result_and_its_event(replicas: Replicas, dead: Dead) -> None:
    """The step is not run again, and is told now."""
    task, _ = await dead.started("steady")
    await dead.steps.keep(task.id, task.attempt, task.fence, "One", b'{"seen":"yes"}')
    await replicas.start("next")
    state, _ = await replicas.loop.ended(task.id)
    assert [step.name for step in state.steps] == ["One", "Two", "Three", "Four"]
    lines = await replicas.loop.log(task.id)
    assert lines[0] == "Step 1: One (done before, its result is reused)"
    assert lines.count("working on naples") == 3


@pytest.mark.parametrize("how", ["succeeded", "failed"])
async def test_between_the_end_of_a_task_and_the_next_in_line(replicas: Replicas, dead: Dead, how: str) -> None:
    """The one that ended still holds the target, and nobody woke the next: it runs, in its turn."""
    task, sequence = await dead.started("steady")
    behind = [await dead.queued("plain"), await dead.queued("keyed")]
    ends = {
        "succeeded": moves.succeeded(task, Result(summary="Done."), now()),
        "failed": moves.failed(task, Failure(code="x", sentence="It broke."), now()),
    }
    await dead.append(ends[how], sequence)
    await dead.hears("orchestrator-queued")
    await replicas.start("next")
    states = [(await replicas.loop.ended(waiting.id))[0] for waiting, _ in behind]
    assert [state.status for state in states] == ["succeeded", "succeeded"]
    record = (await dead.lines.get("naples")).value

    async def line_is_empty() -> bool | None:
        record = (await dead.lines.get("naples")).value
        return (record is not None and not record.members) or None

    assert record is not None
    await eventually(line_is_empty)


async def test_between_a_success_and_what_follows_it(replicas: Replicas, dead: Dead) -> None:
    """The follow-up starts, once, and the card of the task before names it."""
    task, sequence = await dead.started("keyed")
    await dead.append(moves.succeeded(task, Result(summary="Done."), now()), sequence)
    await replicas.start("next", tasks=THEN)

    async def followed() -> str | None:
        state, _ = await replicas.loop.task(task.id)
        return state.follow_ups[0].task_id if state.follow_ups else None

    assert (await replicas.loop.ended(await eventually(followed)))[0].status == "succeeded"


@pytest.mark.parametrize(("kind", "status"), [("steady", "cancelled"), ("effect_once", "unknown")])
async def test_between_the_wish_to_cancel_and_the_owner(replicas: Replicas, dead: Dead, kind: str, status: str) -> None:
    """The owner died before it heard of it: the task is not run again."""
    task, sequence = await dead.started(kind)
    wished = moves.cancel_requested(task, ALICE, now())
    await dead.append(Move("cancel_requested", wished), sequence)
    await replicas.start("next")
    state, _ = await replicas.loop.ended(task.id)
    assert (state.status, state.fence) == (status, 1)


async def test_between_the_cancelling_of_a_queued_task_and_those_behind_it(replicas: Replicas, dead: Dead) -> None:
    """Those behind learn that they moved up."""
    await replicas.start("next")
    await replicas.loop.status(await replicas.loop.run("patient"), "running")
    second, sequence = await dead.queued("plain")
    third, _ = await dead.queued("steady")

    async def at(place: int) -> bool | None:
        return (await replicas.loop.task(third.id))[0].place == place or None

    await eventually(lambda: at(2))
    found = await dead.journal.task(second.id)
    assert found is not None
    await dead.append(moves.cancelled(moves.cancel_requested(found.state, ALICE, now()), now()), found.sequence)
    assert sequence <= found.sequence
    await eventually(lambda: at(1), 20)


async def test_between_the_two_halves_of_a_list(replicas: Replicas, dead: Dead) -> None:
    """A task is listed as ended while its open row is still there: the event comes again and removes it."""
    task, sequence = await dead.started("steady")
    ended = moves.succeeded(task, Result(summary="Done."), now())
    last = await dead.append(ended, sequence)
    key = f"naples.{task.id}"
    await dead.rows.put(f"open.{key}", row_of(task, sequence, now(), None))
    await dead.rows.put(f"done.{key}", row_of(ended.state, last, now(), None))
    await replicas.start("next")

    async def is_gone() -> bool | None:
        return (await dead.rows.get(f"open.{key}")).value is None or None

    await eventually(is_gone)
    assert (await dead.rows.get(f"done.{key}")).value is not None


async def test_a_step_s_result_of_the_past_comes_too_late(dead: Dead) -> None:
    """A later claim has kept its own: the earlier one is refused."""
    await dead.steps.keep("id", 1, 2, "One", b"2")
    with pytest.raises(BusError):
        await dead.steps.keep("id", 1, 1, "One", b"1")
    assert await dead.steps.kept("id", 1) == {"One": b"2"}


async def test_an_equal_request_joins_one_that_is_not_written_yet(bus: Bus, subjects: Subjects) -> None:
    """Two clicks within a millisecond: the first has its place and no event yet, and the second still sees it."""
    journal = Journal(bus, subjects, now)
    targets = Targets(Bucket(bus, subjects.bucket("TARGETS"), TargetRecord), journal, now)
    first, second = (task_of(make_id(OPS, "command", name)) for name in ("first", "second"))
    assert isinstance(await targets.enter(first), Entered)
    joined = await targets.enter(second)
    assert isinstance(joined, Joined)
    assert joined.twin.id == first.id
    other = msgspec.structs.replace(second, params={"days": "7"})
    assert isinstance(await targets.enter(other), Entered)


def task_of(id: str) -> TaskState:
    return TaskState(
        id=id, task="steady", target="naples", title="", conversation=OPS, requested_by=ALICE, requested_at=now(),
        status="queued",
    )  # fmt: skip
