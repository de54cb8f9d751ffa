"""Socket Mode, judged by slack_sdk's client and slack_bolt's handler."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from integration.sandbox.running import TOKEN, sandbox_at, slack_client
from opsloop_sandbox.client import SandboxClient

APP_TOKEN = "xapp-1-A0OPSLOOP-1-of-the-tests"
BUTTON = [
    {
        "type": "actions",
        "block_id": "row",
        "elements": [
            {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "job-1"}
        ],
    }
]


class Bolt:
    """A bolt app; what its handlers were given."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.seen: list[dict[str, Any]] = []
        self.app = AsyncApp(client=client, token=TOKEN, signing_secret="not used")
        self.app.command("/dealershipai")(self.on_command)
        self.app.action("go")(self.on_click)
        self.app.event("app_home_opened")(self.on_event)

    async def on_command(self, ack: Any, body: dict[str, Any]) -> None:
        self.seen.append(body)
        await ack({"text": f"got {body['text']}", "blocks": BUTTON, "response_type": "in_channel"})

    async def on_click(self, ack: Any, body: dict[str, Any]) -> None:
        self.seen.append(body)
        await ack()

    async def on_event(self, event: dict[str, Any]) -> None:
        self.seen.append(event)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    async with sandbox_at(tmp_path, app_token=APP_TOKEN) as client:
        yield client


@asynccontextmanager
async def raw_client(sandbox: SandboxClient, acknowledge: bool = True) -> AsyncIterator[list[SocketModeRequest]]:
    """slack_sdk's client, connected; it yields what it received."""
    seen: list[SocketModeRequest] = []
    async with slack_client(sandbox) as web:
        client = SocketModeClient(app_token=APP_TOKEN, web_client=web)

        async def on_request(_: Any, request: SocketModeRequest) -> None:
            seen.append(request)
            if acknowledge:
                await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

        client.socket_mode_request_listeners.append(on_request)
        before = (await sandbox.sockets()).opened
        await client.connect()  # type: ignore[no-untyped-call]  # untyped in the library
        try:
            await until_sockets(sandbox, opened=before + 1)
            yield seen
        finally:
            tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
            await client.close()  # type: ignore[no-untyped-call]  # untyped in the library
            await asyncio.gather(*[task for task in tasks if task is not None], return_exceptions=True)


async def until_sockets(sandbox: SandboxClient, **wanted: int) -> None:
    """Waits until the sandbox has exactly so many connections."""
    async with asyncio.timeout(10):
        while True:
            seen = await sandbox.sockets()
            if all(getattr(seen, name) == number for name, number in wanted.items()):
                return
            await asyncio.sleep(0.02)


async def test_bolt_is_served_over_the_socket(sandbox: SandboxClient) -> None:
    """A command, its answer in the acknowledgement, a click on it and an event: all without a request over HTTP."""
    async with slack_client(sandbox) as web:
        bolt = Bolt(web)
        handler = AsyncSocketModeHandler(bolt.app, APP_TOKEN, web_client=web)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # untyped in the library
        try:
            await until_sockets(sandbox, connected=1)
            typed = await sandbox.command("U0ALICE", "C0OPS", "status naples")
            assert (typed.status, typed.shown) == (200, None)
            (message,) = [one for one in await sandbox.messages("U0ALICE") if one.text == "got status naples"]
            clicked = await sandbox.click("U0ALICE", "C0OPS", message.ts, "go")
            assert (clicked.status, clicked.shown) == (200, None)
            assert (await sandbox.event("app_home_opened", user="U0ALICE")).shown is None
        finally:
            client = handler.client
            tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
            await handler.close_async()  # type: ignore[no-untyped-call]  # untyped in the library
            await asyncio.gather(*[task for task in tasks if task is not None], return_exceptions=True)
        assert [one.get("type") for one in bolt.seen] == [None, "block_actions", "app_home_opened"]
        assert bolt.seen[0]["trigger_id"] == typed.trigger_id
        assert bolt.seen[1]["actions"][0]["value"] == "job-1"


async def test_without_an_acknowledgement_the_person_reads_operation_timeout(sandbox: SandboxClient) -> None:
    """As over HTTP: after three seconds, in the channel."""
    async with raw_client(sandbox, acknowledge=False) as seen:
        delivery = await sandbox.command("U0ALICE", "C0OPS", "help")
        assert delivery.status == 0
        assert "operation_timeout" in (delivery.shown or "")
        assert 2900 < delivery.elapsed_ms < 4000
        assert len(seen) == 1


async def test_http_is_used_only_while_nobody_is_connected(sandbox: SandboxClient) -> None:
    """Before and after, the request goes to the app's address, where nobody listens here; never in between."""
    assert "dispatch_failed" in str((await sandbox.command("U0ALICE", "C0OPS", "help")).shown)
    async with raw_client(sandbox):
        assert (await sandbox.command("U0ALICE", "C0OPS", "help")).shown is None
        assert "dispatch_failed" in str((await sandbox.event("url_verification")).shown)
    await until_sockets(sandbox, connected=0)
    assert "dispatch_failed" in str((await sandbox.command("U0ALICE", "C0OPS", "help")).shown)


async def test_payloads_go_to_any_one_of_several_connections(sandbox: SandboxClient) -> None:
    """Each payload reaches exactly one of them, and each of them is used."""
    async with raw_client(sandbox) as first, raw_client(sandbox) as second:
        for number in range(4):
            assert (await sandbox.command("U0ALICE", "C0OPS", f"help {number}")).shown is None
        assert sorted(one.payload["text"] for one in [*first, *second]) == [f"help {number}" for number in range(4)]
        assert first
        assert second


async def test_eleventh_connection_is_sent_away(sandbox: SandboxClient) -> None:
    """Ten may be open; the next is told too_many_websockets."""
    async with aiohttp.ClientSession() as session, slack_client(sandbox) as web:
        sockets = []
        for _ in range(11):
            url = (await web.apps_connections_open(app_token=APP_TOKEN))["url"]
            sockets.append(await session.ws_connect(url))
        greetings = [(await socket.receive_json(timeout=5)) for socket in sockets]
        assert [greeting["type"] for greeting in greetings] == ["hello"] * 10 + ["disconnect"]
        assert greetings[10]["reason"] == "too_many_websockets"
        for socket in sockets:
            await socket.close()


async def test_a_ticket_is_used_once(sandbox: SandboxClient) -> None:
    """The address of a connection opens no second one."""
    async with aiohttp.ClientSession() as session, slack_client(sandbox) as web:
        url = (await web.apps_connections_open(app_token=APP_TOKEN))["url"]
        async with session.ws_connect(url):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)


@pytest.mark.parametrize(
    ("token", "error"), [("xapp-wrong", "invalid_auth"), (TOKEN, "not_allowed_token_type"), (" ", "not_authed")]
)
async def test_who_may_not_connect(sandbox: SandboxClient, token: str, error: str) -> None:
    """Only the app-level token opens a connection; the refusal is Slack's."""
    async with slack_client(sandbox) as web:
        with pytest.raises(SlackApiError) as caught:
            await web.apps_connections_open(app_token=token)
    assert caught.value.response["error"] == error


async def test_switched_off_without_a_token(tmp_path: Path) -> None:
    """No token of the sandbox's own, so none is right, an empty one neither."""
    async with sandbox_at(tmp_path) as sandbox, slack_client(sandbox) as web:
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await web.apps_connections_open(app_token=APP_TOKEN)


async def test_goodbye_and_drop(sandbox: SandboxClient) -> None:
    """slack_sdk follows a refresh to a new connection; a drop ends the connection without a close frame."""
    async with raw_client(sandbox):
        await sandbox.disconnect_sockets()
        await until_sockets(sandbox, opened=2, connected=1)
        assert (await sandbox.command("U0ALICE", "C0OPS", "help")).shown is None
    async with aiohttp.ClientSession() as session, slack_client(sandbox) as web:
        url = (await web.apps_connections_open(app_token=APP_TOKEN))["url"]
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json(timeout=5))["type"] == "hello"
            await sandbox.drop_sockets()
            assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSED
            assert socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
