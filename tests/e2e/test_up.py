"""`opsloop up` against a Slack and a broker that were there before it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from broker import NatsServer, free_port
from installation import PACKS
from opsloop_command import Running, wait_for_text
from opsloop_common.bus import Bus
from opsloop_common.subjects import event_in
from opsloop_sandbox.client import SandboxClient
from small_disk import SmallDisk
from waiting import eventually, until

SIGNING_SECRET = "0123456789abcdef0123456789abcdef"
BOT_TOKEN = "xoxb-1-2-abc"
CATALOGUE = """
[command]
name = "/dealershipai"
[tasks.schema_fix]
title = "Run Schema Fix"
run_by = ["*"]
[targets.a]
title = "A"
secrets = { content_token = "A_TOKEN" }
"""
ONCE = """
[tasks.first]
title = "Once"
run_by = ["*"]
[targets.a]
title = "A"
settings = { pause_seconds = "1.0" }
"""
"""A task that takes four seconds and cannot be repeated."""


class Slack:
    """A local Slack that sends its requests to `app_url`."""

    def __init__(self, folder: Path) -> None:
        self.app_port = free_port()
        self.url = f"http://127.0.0.1:{free_port()}"
        environment = {
            **os.environ,
            "OPSLOOP_DATA": str(folder),
            "SANDBOX_PORT": self.url.rpartition(":")[2],
            "SANDBOX_APP_URL": f"http://127.0.0.1:{self.app_port}",
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "opsloop_sandbox"], env=environment, stdout=subprocess.DEVNULL
        )

    def variables(self, catalogue: Path) -> dict[str, str]:
        """What `up` needs to serve this Slack."""
        return {
            "OPSLOOP_CONFIG": str(catalogue),
            "SLACK_API_URL": f"{self.url}/api/",
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "INGRESS_PORT": str(self.app_port),
        }


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[Slack]:
    found = Slack(tmp_path / "slack")
    yield found
    found.process.terminate()
    found.process.wait(5)


@pytest.mark.parametrize("broker", ["embedded", "external"])
async def test_up_serves_slack_until_it_is_stopped(
    broker: str, slack: Slack, nats_server: NatsServer, tmp_path: Path
) -> None:
    """With either broker and two of each a request is answered once; what is off is told; nothing is left."""
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    variables = slack.variables(tmp_path / "catalogue.toml")
    if broker == "external":
        variables |= {"NATS_URL": nats_server.url, "OPSLOOP_SECRET": "s" * 32}
    up = Running("up", tmp_path / "data", "--scale", "orchestrator=2", "--scale", "notifier=2", variables=variables)
    try:
        await up.start()
        assert ("durability not verified" in up.printed) == (broker == "external")
        assert "A_TOKEN is not set: tasks on a will fail" in up.printed
        assert any("nats-server" in line for line in up.processes.values()) == (broker == "embedded")
        for service in ("orchestrator", "notifier"):
            assert sum(f"opsloop_{service}" in line for line in up.processes.values()) >= 2
        async with SandboxClient(slack.url) as sandbox:
            assert (await sandbox.command("U0ALICE", "C0OPS", "status a")).shown is None
            await wait_for_text(sandbox, "Status of A")
            assert len(await sandbox.messages("U0ALICE")) == 1
        assert await up.signal(signal.SIGINT, 3) == 0
    finally:
        await up.close()


async def events(bus: Bus) -> list[str]:
    return [event_in(stored.subject) for stored in await bus.read("EVT", "ops.evt.>")]


async def begun(bus: Bus) -> None:
    """Returns once the first step is done."""
    async with asyncio.timeout(20):
        while "step" not in await events(bus):  # noqa: ASYNC110 - the broker sets no asyncio.Event
            await asyncio.sleep(0.05)


async def test_a_task_that_cannot_be_repeated_may_end(
    slack: Slack, nats_server: NatsServer, bus: Bus, tmp_path: Path
) -> None:
    """Ctrl-C in the middle: `up` waits for its end, and then for nothing else."""
    (tmp_path / "catalogue.toml").write_text(ONCE)
    broker = {"NATS_URL": nats_server.url, "OPSLOOP_SECRET": "s" * 32}
    variables = slack.variables(tmp_path / "catalogue.toml") | broker | {"PYTHONPATH": str(PACKS)}
    up = Running("up", tmp_path / "data", variables=variables)
    try:
        await up.start()
        async with SandboxClient(slack.url) as sandbox:
            assert (await sandbox.command("U0ALICE", "C0OPS", "run first a")).shown is None
            await begun(bus)
        assert await up.signal(signal.SIGINT, 8) == 0
        names = await events(bus)
        assert names[-1] == "succeeded"
        assert names.count("step") == 4
    finally:
        await up.close()


async def test_a_full_disk_is_told_and_survived(slack: Slack, tmp_path: Path) -> None:
    """The person is told by Slack, the operator at the terminal; with room again all goes on without a hand."""
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    disk = SmallDisk(tmp_path / "data", 64)
    up = Running("up", disk.folder, within=disk.within, variables=slack.variables(tmp_path / "catalogue.toml"))
    try:
        await up.start()
        async with SandboxClient(slack.url) as sandbox:

            async def is_taken() -> bool:
                return (await sandbox.command("U0ALICE", "C0OPS", "status a")).shown is None

            async def is_refused() -> bool:
                # Each one that is taken still becomes a message.
                await asyncio.sleep(0.2)
                return not await is_taken()

            assert await is_taken()
            disk.fill(up.pid)
            await eventually(is_refused, 20)
            await until(lambda: f"the disk under {disk.folder / 'nats'} is full" in up.printed, 20)
            await eventually(lambda: is_ready(up, 503, "stores nothing"), 10)
            disk.free(up.pid)
            await eventually(is_taken, 30)
            await eventually(lambda: is_ready(up, 200, "ready"), 10)
            seen = len(await sandbox.messages("U0ALICE"))
            assert (await sandbox.command("U0ALICE", "C0OPS", "help")).shown is None
            await eventually(lambda: has_more(sandbox, seen), 20)
        assert up.exit_code is None
        assert await up.signal(signal.SIGINT, 10) == 0
    finally:
        await up.close()


async def is_ready(up: Running, status: int, words: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{up.url_of('orchestrator')}/readyz") as answer:
        return answer.status == status and words in await answer.text()


async def has_more(sandbox: SandboxClient, seen: int) -> bool:
    return len(await sandbox.messages("U0ALICE")) > seen
