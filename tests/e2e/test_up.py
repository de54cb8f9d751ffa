"""`opsloop up` against a Slack and a broker that were there before it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import NatsServer, free_port
from opsloop_command import Running, wait_for_text
from opsloop_sandbox.client import SandboxClient

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
    variables = {
        "OPSLOOP_CONFIG": str(tmp_path / "catalogue.toml"),
        "SLACK_API_URL": f"{slack.url}/api/",
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "INGRESS_PORT": str(slack.app_port),
    }
    if broker == "external":
        variables |= {"NATS_URL": nats_server.url, "OPSLOOP_SECRET": "s" * 32}
    up = Running("up", tmp_path / "data", "--scale", "orchestrator=2", "--scale", "notifier=2", **variables)
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
