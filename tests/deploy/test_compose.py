"""The whole loop in containers. Only `just containers` runs it: it needs an engine and the images (`just images`)."""

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import pytest

from deploy.series import ROOT
from opsloop_sandbox.client import SandboxClient

pytestmark = pytest.mark.containers

ALICE, OPS = "U0ALICE", "C0OPS"
COMPOSE = ("docker", "compose", "--env-file", "deploy/sandbox.env", "-p", "opsloop-test")
PORTS = {
    "INGRESS_PORT": "0",
    "SANDBOX_PORT": "0",
    "PROMETHEUS_PORT": "0",
    "ALERTMANAGER_PORT": "0",
    "GRAFANA_PORT": "0",
}
REPLICAS = ("--scale", "notifier=2", "--scale", "orchestrator=2")


def compose(*arguments: str) -> str:
    finished = subprocess.run(
        [*COMPOSE, *arguments], cwd=ROOT, env=os.environ | PORTS, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return finished.stdout.strip()


@pytest.fixture(scope="module")
def installation() -> Iterator[None]:
    """Everything with two notifiers and two orchestrators, healthy; gone afterwards with its volumes."""
    subprocess.run(["python", "scripts/container_files.py", "--sandbox"], cwd=ROOT, check=True)  # noqa: S607
    try:
        compose("up", "-d", "--wait", "--no-build", "--pull", "missing", *REPLICAS)
        yield
    finally:
        compose("down", "-v", "--timeout", "5")


def kill_one(service: str) -> None:
    victim = compose("ps", "-q", service).splitlines()[0]
    subprocess.run(["docker", "kill", victim], check=True, capture_output=True)  # noqa: S607


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"not within {seconds} s\n{compose('logs', '--tail', '20')}"
        await asyncio.sleep(0.1)


async def run(sandbox: SandboxClient, dealer: str) -> None:
    await sandbox.command(ALICE, OPS, f"run schema_fix {dealer}")


async def green(sandbox: SandboxClient, dealer: str, seconds: float) -> None:
    """The dealer's card says that it is done."""

    async def is_green() -> bool:
        return any(dealer in one.text and "✅" in one.text for one in await sandbox.messages(ALICE, OPS))

    await eventually(is_green, seconds)


@pytest.mark.timeout(240)
async def test_a_command_becomes_a_green_card(installation: None) -> None:
    """Typed in the sandbox, run by an orchestrator, shown by a notifier; Prometheus sees all replicas."""
    async with SandboxClient(f"http://{compose('port', 'sandbox', '8090')}") as sandbox:
        await run(sandbox, "naples-honda")
        await green(sandbox, "naples-honda", 30)
    up = "sum(opsloop:replicas_up:count)"
    async with aiohttp.ClientSession() as session:

        async def sees_all() -> bool:
            address = f"http://{compose('port', 'prometheus', '9090')}/api/v1/query"
            async with session.get(address, params={"query": up}) as response:
                result = (await response.json())["data"]["result"]
            return bool(result) and result[0]["value"][1] == "6"

        await eventually(sees_all, 60)


@pytest.mark.timeout(240)
async def test_killed_containers_are_replaced_by_the_others(installation: None) -> None:
    """One notifier and one orchestrator are killed in the middle; cards still turn green."""
    async with SandboxClient(f"http://{compose('port', 'sandbox', '8090')}") as sandbox:
        await run(sandbox, "coral-gables-toyota")
        for service in ("notifier", "orchestrator"):
            kill_one(service)
        await run(sandbox, "tampa-chevrolet")
        await green(sandbox, "tampa-chevrolet", 60)
        await green(sandbox, "coral-gables-toyota", 60)
