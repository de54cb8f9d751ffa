"""`opsloop dlq`, on a real broker."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from broker import NatsServer
from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.events import DeadLetter
from opsloop_common.subjects import Subjects

POISON = b'{"not": "a command"}\x1b[2J'


def dlq(server: NatsServer, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opsloop_cli", "dlq", *words],
        env={"PATH": os.environ["PATH"], "NATS_URL": server.url},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


async def set_aside(bus: Bus, subjects: Subjects, stream: str = "CMD", subject: str = "ops.cmd.help") -> int:
    letter = DeadLetter(
        service="orchestrator",
        reason="it is poison",
        subject=subject,
        stream=stream,
        sequence=7,
        data=POISON,
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return await bus.publish(subjects.dead_letter("orchestrator", stream, 7, POISON), codec.encode(letter))


async def test_the_list_has_a_line_for_each(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> None:
    """Its number, time, service, subject and reason; an empty list says so."""
    assert dlq(nats_server, "list").stdout == "no dead letters\n"
    number = await set_aside(bus, subjects)
    line = f"{number:>6}  2026-01-01 00:00:00  orchestrator  ops.cmd.help  it is poison\n"
    assert dlq(nats_server, "list").stdout == line


async def test_one_is_shown_with_its_message(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> None:
    """The message stands there as text; a control character cannot reach the terminal."""
    number = await set_aside(bus, subjects)
    lines = dlq(nats_server, "show", str(number)).stdout.splitlines()
    assert "reason   it is poison" in lines
    assert lines[-1] == '{"not": "a command"}\\x1b[2J'


async def test_a_request_is_replayed_as_it_was(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> None:
    """The same bytes on the same subject, and the letter is gone."""
    number = await set_aside(bus, subjects)
    assert dlq(nats_server, "replay", str(number)).stdout == f"replayed {number} as CMD 1\n"
    assert [stored.data for stored in await bus.read("CMD", "ops.cmd.help")] == [POISON]
    assert await bus.read("DLQ", "ops.dlq.>") == []


async def test_an_event_is_not_replayed(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> None:
    """It would become its task's newest state; the letter stays."""
    number = await set_aside(bus, subjects, "EVT", "ops.evt.07.07-aaaaaaaaaaaaaaaaaaaa.started")
    ended = dlq(nats_server, "replay", str(number))
    assert (ended.returncode, "still stands in EVT at 7" in ended.stderr) == (2, True)
    assert await bus.read("EVT", "ops.evt.>") == []
    assert len(await bus.read("DLQ", "ops.dlq.>")) == 1


async def test_one_is_dropped(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> None:
    """It is gone, and only it."""
    first = await set_aside(bus, subjects)
    second = await set_aside(bus, subjects)
    assert dlq(nats_server, "drop", str(first)).stdout == f"dropped {first}\n"
    assert [stored.sequence for stored in await bus.read("DLQ", "ops.dlq.>")] == [second]


@pytest.mark.parametrize("action", ["show", "replay", "drop"])
@pytest.mark.parametrize("number", ["99", "0", "-1"])
async def test_a_number_that_is_none(nats_server: NatsServer, bus: Bus, action: str, number: str) -> None:
    """One line that says where the numbers are."""
    ended = dlq(nats_server, action, "--", number)
    assert ended.returncode == 2
    assert ended.stderr == f"opsloop: there is no dead letter {number}: `opsloop dlq list` shows them\n"
