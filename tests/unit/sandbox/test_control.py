"""Who may use the control API."""

from pathlib import Path

import aiohttp
import msgspec
import pytest
from starlette.types import Message, Scope

from opsloop_sandbox.app import Options, build_app


async def ask(directory: Path, caller: str) -> int:
    """The status of a look at the workspace from an address."""
    options = Options(
        base_url="http://sandbox",
        app_url="http://app",
        directory=directory,
        signing_secret="s",
        bot_token="t",
        content_token="c",
        rate_limits=False,
    )
    sent: list[Message] = []
    scope: Scope = {"type": "http", "method": "GET", "path": "/control/workspace", "headers": [], "query_string": b""}

    scope["client"] = (caller, 1)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    async with aiohttp.ClientSession() as session:
        await build_app(options, session)(scope, receive, send)
    assert msgspec.json.decode(sent[1]["body"])
    status: int = sent[0]["status"]
    return status


@pytest.mark.parametrize(("caller", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 403)])
async def test_only_this_machine_may_use_the_control_api(tmp_path: Path, caller: str, status: int) -> None:
    """A caller from another address is refused, whatever address the sandbox listens on."""
    assert await ask(tmp_path, caller) == status
