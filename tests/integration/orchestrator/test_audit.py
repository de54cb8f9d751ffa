"""Every decision is on record before anything follows from it; one writer at a time gets through."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime

import nats.js.errors
import pytest

from broker import NatsServer
from integration.orchestrator.loop import ALICE, BOB, OPS, Loop
from opsloop_cli.audits import read
from opsloop_common.audit import Decision, breaks
from opsloop_common.bus import Bus, BusError
from opsloop_common.commands import RetryTask
from opsloop_common.events import TaskState
from opsloop_common.subjects import Subjects, make_id
from opsloop_orchestrator.auditor import Auditor
from opsloop_orchestrator.journal import Journal

DECISION = Decision(
    action="run", actor=ALICE, conversation=OPS, task="fix", target="naples", task_id="07-a", outcome="allow"
)


def now() -> datetime:
    return datetime.now(UTC)


async def test_what_people_may_and_may_not_is_on_record(loop: Loop, bus: Bus, subjects: Subjects) -> None:
    """A run, a follow-up, a refused retry: each with the id of its event, in a chain that is whole."""
    first = await loop.run("first")
    await loop.ended(first)
    failing = await loop.run("failing", "tampa")
    _, sequence = await loop.ended(failing)
    await loop.answer(await loop.ask(RetryTask(task_id=failing, drawn_at=sequence, **(loop.common() | {"actor": BOB}))))  # type: ignore[arg-type]

    async def told() -> list[tuple[str, str, str]]:
        chains = await read(bus, subjects)
        assert all(breaks(chain) == [] for chain in chains.values())
        found = [one.decision for chain in chains.values() for one in chain]
        return [(one.action, one.task, one.outcome) for one in found]

    for wanted in (("run", "first", "allow"), ("follow", "steady", "allow"), ("retry", "failing", "deny")):
        assert wanted in await told(), await told()
    events = await bus.read(subjects.stream("EVT"), subjects.all_events)
    ids = {one.data.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode() for one in events}
    assert {one.id for chain in (await read(bus, subjects)).values() for one in chain} <= ids


async def test_many_at_once_make_one_chain(bus: Bus, subjects: Subjects) -> None:
    """Several processes append to the same chain; nobody's record is lost, and the chain is whole."""
    auditors = [Auditor(bus, subjects, now) for _ in range(4)]
    await asyncio.gather(*(auditors[n % 4].write(f"e{n}", "07-a", DECISION) for n in range(20)))
    (chain,) = (await read(bus, subjects)).values()
    assert sorted(one.id for one in chain) == sorted(f"e{n}" for n in range(20))
    assert breaks(chain) == []
    await auditors[0].write(chain[-1].id, "07-a", DECISION)
    assert len((await read(bus, subjects))["ops.audit.07"]) == 20


async def test_without_a_record_nothing_follows(bus: Bus, subjects: Subjects) -> None:
    """Where the audit cannot be written the event is not appended."""
    await bus.client.jetstream().delete_stream("AUDIT")
    id = make_id(OPS, "command", "1")
    task = TaskState(
        id=id, task="fix", target="naples", title="", conversation=OPS, requested_by=ALICE, requested_at=now(),
        status="queued",
    )  # fmt: skip
    with pytest.raises(BusError):
        await Journal(bus, subjects, now).append("queued", task, 0, decision=DECISION)
    assert await bus.last("EVT", subjects.events_of(id)) is None


async def test_nobody_takes_a_record_out_and_the_command_tells(
    nats_server: NatsServer, bus: Bus, subjects: Subjects
) -> None:
    """The broker refuses to delete; a chain that goes on from nowhere is found."""
    await Auditor(bus, subjects, now).write("e1", "07-a", DECISION)
    with pytest.raises(nats.js.errors.APIError):
        await bus.client.jetstream().delete_msg("AUDIT", 1)
    assert "07: 1 records, newest" in command(nats_server).stdout
    stored = await bus.last("AUDIT", "ops.audit.07")
    assert stored is not None
    await bus.publish("ops.audit.07", stored.data)
    finished = command(nats_server)
    assert (finished.returncode, "does not follow the one before it" in finished.stdout) == (1, True)


def command(server: NatsServer) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opsloop_cli", "audit"],
        env={"PATH": os.environ["PATH"], "NATS_URL": server.url},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
