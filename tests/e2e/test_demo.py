"""The demo as its user has it: the command, real processes, and none of them left afterwards."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
import pytest

from opsloop_cli import check, stages
from opsloop_command import Running, command, environment, wait_for_text
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import SeenMessage
from opsloop_sandbox.json_value import walk
from waiting import eventually, until

KILLED = (
    "opsloop_notifier",
    "opsloop_orchestrator",
    "nats.conf",
    "opsloop_metrics",
    "opsloop_sandbox",
    "opsloop_ingress",
)
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
    hurried = tuple(msgspec.structs.replace(stage, seconds=0.5) for stage in stages.STAGES[:5])
    report = await check.play(environment(), tmp_path / "data", hurried, aloud=False, without="notifier")
    assert not report.ok
    assert [stage.ok for stage in report.stages[:-1]] == [False] * len(hurried)
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


async def test_whoever_is_killed_is_started_again(demo: Running) -> None:
    """kill -9 of the broker, Slack and every service, one after the other: the terminal tells, and all goes on."""
    async with SandboxClient(demo.sandbox_url) as sandbox:
        for module in KILLED:
            told = demo.printed.count("was killed by SIGKILL")
            os.kill(demo.pid_of(module), signal.SIGKILL)
            await until(partial(demo.has_told, "was killed by SIGKILL", told + 1), 5)
        await eventually(lambda: answered(sandbox, "status naples-honda"), 20)
        await wait_for_text(sandbox, "Naples Honda")
    assert demo.exit_code is None
    assert await demo.signal(signal.SIGINT, 10) == 0


async def answered(sandbox: SandboxClient, text: str) -> bool:
    try:
        return (await sandbox.command("U0ALICE", "C0OPS", text)).shown is None
    except aiohttp.ClientError:
        return False


async def test_a_second_demo_on_the_folder_is_refused(demo: Running, tmp_path: Path) -> None:
    """It says in a line why, with exit code 2; the first goes on."""
    second = await asyncio.create_subprocess_exec(
        *command("demo", "--fresh", "--data", str(tmp_path / "data")), env=environment(), stderr=subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(second.communicate(), 20)
    assert second.returncode == 2
    assert errors.count(b"\n") == 1
    assert b"in use by process" in errors
    assert demo.exit_code is None
