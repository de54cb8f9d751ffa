"""The loop over Socket Mode: ingress has an app-level token and no signing secret, and nothing reaches it over HTTP."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from broker import NatsServer
from installation import ALICE, OPS, Installation

APP_TOKEN = "xapp-1-A0OPSLOOP-1-of-the-tests"
NOBODY = "http://127.0.0.1:9"  # nothing listens on the discard port


class SocketInstallation(Installation):
    """The sandbox knows no address of the app, so what arrives came over the socket."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"SLACK_APP_TOKEN": APP_TOKEN, "SANDBOX_APP_URL": NOBODY}

    async def start_one(self, name: str, **more: str) -> None:
        unsigned = {"SLACK_SIGNING_SECRET": ""} if name == "ingress" else {}
        await super().start_one(name, **(unsigned | more))

    async def problem(self) -> str:
        """What ingress says why it is not ready."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.ports['ingress']}/readyz") as response,
        ):
            return await response.text()

    async def says(self, text: str) -> bool:
        try:
            return text in await self.problem()
        except aiohttp.ClientError:
            return False

    async def has_sockets(self, connected: int) -> bool:
        return (await self.sandbox.sockets()).connected == connected


@pytest.fixture
async def installation(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[SocketInstallation]:
    async with SocketInstallation(tmp_path, nats_server) as found:
        yield found


async def test_from_status_over_a_click_to_done(installation: SocketInstallation) -> None:
    """Command, card, click, completion, over a socket that Slack renews and the network breaks in between."""
    typed = await installation.sandbox.command(ALICE, OPS, "status naples-honda")
    assert (typed.status, typed.shown) == (200, None)
    card = await installation.see("naples-honda")
    await installation.sandbox.disconnect_sockets("warning")
    clicked = await installation.sandbox.click(ALICE, OPS, card.ts, "task.run.schema_fix")
    assert (clicked.status, clicked.shown) == (200, None)
    await installation.sandbox.drop_sockets()
    await installation.see("schema_fix", "naples-honda", "✅", "100%")
    await installation.until(partial(installation.has_sockets, 1), "the socket to come back")
    assert [put.effect for put in (await installation.sandbox.site("naples-honda")).puts] == [True]


async def test_without_the_broker_nothing_is_acknowledged(installation: SocketInstallation) -> None:
    """The person reads operation_timeout; when the broker is back the same words work, and count once."""
    installation.nats.kill()
    lost = await installation.sandbox.command(ALICE, OPS, "help")
    assert (lost.status, "operation_timeout" in (lost.shown or "")) == (0, True)
    installation.nats.start()
    await installation.ready("ingress", "orchestrator", "notifier")

    async def taken() -> bool:
        return (await installation.sandbox.command(ALICE, OPS, "status naples-honda")).shown is None

    await installation.until(taken, "the command to be taken again", 30)
    await installation.see("naples-honda")


async def test_ingress_ends_quickly_and_starts_again(installation: SocketInstallation) -> None:
    """SIGTERM with an open socket: exit code 0 within two seconds, no traceback; a second one takes over at once."""
    began = time.monotonic()
    assert await installation.end("ingress", signal.SIGTERM) == 0
    assert time.monotonic() - began < 2
    assert "Traceback" not in installation.log_of("ingress")
    await installation.until(partial(installation.has_sockets, 0), "the socket to be closed")
    await installation.start_one("ingress")
    await installation.ready("ingress")
    assert (await installation.sandbox.command(ALICE, OPS, "status naples-honda")).shown is None
    await installation.see("naples-honda")


async def test_wrong_token_is_told_by_the_probe(installation: SocketInstallation) -> None:
    """Not ready, with Slack's reason and without the token; alive, and it ends when it is told to."""
    await installation.end("ingress", signal.SIGTERM)
    await installation.start_one("ingress", SLACK_APP_TOKEN="xapp-1-not-the-right-one")
    await installation.until(partial(installation.says, "invalid_auth"), "ingress to say why")
    asked = [call for call in await installation.sandbox.calls() if call.method == "apps.connections.open"]

    async def asked_again() -> bool:
        found = await installation.sandbox.calls(asked[-1].n)
        return sum(call.outcome == "invalid_auth" for call in found) >= 2

    await installation.until(asked_again, "ingress to try again")
    assert "not-the-right-one" not in installation.log_of("ingress")
    assert await asyncio.wait_for(installation.end("ingress", signal.SIGTERM), 2) == 0
