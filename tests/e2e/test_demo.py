"""The demo as its user has it: the command, real processes, and none of them left afterwards."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from opsloop_cli import check, stages
from opsloop_command import Running, command, environment, wait_for_text
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import SeenMessage
from opsloop_sandbox.json_value import walk

PROCESSES = {"nats-server", "sandbox", "ingress", "orchestrator", "notifier", "metrics"}


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Running]:
    found = Running("demo", tmp_path / "data")
    await found.start()
    yield found
    await found.close()


def card_in(messages: list[SeenMessage]) -> SeenMessage | None:
    for message in messages:
        if any(part.get("action_id") == "task.run.schema_fix" for part in walk(message.blocks)):
            return message
    return None


async def test_the_whole_tour_is_right(tmp_path: Path) -> None:
    """`opsloop demo --check --json` says so in one document, and leaves nothing behind."""
    process = await asyncio.create_subprocess_exec(
        *command("demo", "--check", "--json"),
        env={**environment(), "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), 110)
    document = json.loads(output)
    assert [problem for stage in document["stages"] for problem in stage["problems"]] == []
    assert (process.returncode, document["ok"], errors) == (0, True, b"")
    assert len(document["stages"]) == len(stages.STAGES) + 1
    assert document["seconds"] < 100
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - its own temporary folder is gone


async def test_the_tour_notices_a_missing_notifier(tmp_path: Path) -> None:
    """Without the one who writes, every stage that waits for a message fails, and the later ones are still reported."""
    hurried = tuple(msgspec.structs.replace(stage, seconds=0.5) for stage in stages.STAGES)
    report = await check.play(environment(), tmp_path / "data", hurried, aloud=False, without="notifier")
    assert not report.ok
    assert [stage.ok for stage in report.stages[:-1]] == [False] * len(stages.STAGES)
    assert "seen: nothing" in report.stages[0].problems[0]
    assert "the button task.run.schema_fix to click" in report.stages[3].problems[0]


async def test_ctrl_c_ends_everything_and_the_next_start_continues(demo: Running) -> None:
    """Within three seconds nothing runs; after a restart the old card's button still works, on the same messages."""
    assert demo.ready_seconds < 5
    assert all(any(name in line for line in demo.processes.values()) for name in PROCESSES)
    async with SandboxClient(demo.sandbox_url) as sandbox:
        assert (await sandbox.command("U0ALICE", "C0OPS", "status naples-honda")).shown is None
        await wait_for_text(sandbox, "Naples Honda")
    assert await demo.signal(signal.SIGINT, 3) == 0

    await demo.start()
    async with SandboxClient(demo.sandbox_url) as sandbox:
        card = card_in(await sandbox.messages("U0ALICE"))
        assert card is not None
        assert (await sandbox.click("U0ALICE", "C0OPS", card.ts, "task.run.schema_fix")).shown is None
        await wait_for_text(sandbox, "schema_fix for naples-honda", "100%")
    assert await demo.signal(signal.SIGTERM, 3) == 0


async def test_a_killed_demo_leaves_no_process(demo: Running) -> None:
    """SIGKILL gives no chance to tidy up; the kernel does it, runners of the orchestrator included."""
    assert len(demo.processes) >= len(PROCESSES)
    await demo.signal(signal.SIGKILL, 3)


async def test_a_second_demo_on_the_folder_is_refused_and_a_dead_service_ends_the_first(
    demo: Running, tmp_path: Path
) -> None:
    """Each says in a line why, with exit code 2; the dead service is named with how it died, and nothing is left."""
    second = await asyncio.create_subprocess_exec(
        *command("demo", "--fresh", "--data", str(tmp_path / "data")), env=environment(), stderr=subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(second.communicate(), 20)
    assert second.returncode == 2
    assert errors.count(b"\n") == 1
    assert b"in use by process" in errors
    assert demo.exit_code is None

    os.kill(demo.pid_of("opsloop_notifier"), signal.SIGKILL)
    assert await demo.ends(5) == 2
    assert "notifier was killed by SIGKILL" in demo.printed
