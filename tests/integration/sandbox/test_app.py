"""Commands and clicks, received by an app that slack_bolt made."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from integration.sandbox.running import SECRET, TOKEN, sandbox_at, slack_client
from opsloop_sandbox.client import SandboxClient
from waiting import until

BUTTON = [
    {
        "type": "actions",
        "block_id": "row",
        "elements": [
            {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "job-1"}
        ],
    }
]


class App:
    """A bolt app behind aiohttp. Its handlers are set by the tests once the sandbox's address is known."""

    def __init__(self) -> None:
        self.bolt: Any = None
        self.seen: list[dict[str, Any]] = []
        self.plain: web.Response | None = None
        self.delay_seconds = 0.0

    async def handle(self, request: web.Request) -> web.Response:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.plain is not None:
            return self.plain
        bolt_request = AsyncBoltRequest(body=await request.text(), headers=dict(request.headers))
        answer = await self.bolt.async_dispatch(bolt_request)
        headers = {name: values[0] for name, values in answer.headers.items() if name.lower() != "content-type"}
        return web.Response(status=answer.status, text=answer.body, headers=headers)


@pytest.fixture
async def app() -> AsyncIterator[tuple[App, str]]:
    app = App()
    site = web.Application()
    site.router.add_post("/slack/{what}", app.handle)
    async with TestServer(site) as server:
        yield app, str(server.make_url("/"))


@pytest.fixture
async def wired(app: tuple[App, str], tmp_path: Path) -> AsyncIterator[tuple[App, SandboxClient]]:
    async with sandbox_at(tmp_path, app_url=app[1]) as sandbox, slack_client(sandbox) as slack:
        bolt = AsyncApp(client=slack, signing_secret=SECRET, token=TOKEN)

        @bolt.command("/dealershipai")
        async def on_command(ack: Any, respond: Any, body: dict[str, Any]) -> None:
            await ack()
            app[0].seen.append(body)
            await respond(text=f"got {body['text']}", blocks=BUTTON)

        @bolt.action("go")
        async def on_click(ack: Any, body: dict[str, Any], client: Any) -> None:
            await ack()
            app[0].seen.append(body)
            if "message" in body:
                await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="clicked")

        app[0].bolt = bolt
        yield app[0], sandbox


async def test_a_command_reaches_bolt_and_its_answer_the_user(wired: tuple[App, SandboxClient]) -> None:
    """bolt accepts the signature, and what it says through the response_url is for the one who asked."""
    app, sandbox = wired

    delivery = await sandbox.command("U0ALICE", "C0OPS", "schema fix")

    assert (delivery.status, delivery.shown) == (200, None)
    await sandbox.calls(2, wait_ms=5000)
    calls = {call.method for call in await sandbox.calls()}
    assert {"deliver.command", "response_url"} <= calls
    [seen] = await sandbox.messages("U0ALICE")
    assert (seen.text, seen.ephemeral) == ("got schema fix", True)
    assert await sandbox.messages("U0BOB") == []
    assert {key: app.seen[0][key] for key in ("user_id", "channel_name", "team_id", "trigger_id")} == {
        "user_id": "U0ALICE",
        "channel_name": "ops",
        "team_id": "T0OPSLOOP",
        "trigger_id": delivery.trigger_id,
    }


async def test_a_click_carries_the_message_and_can_change_it(wired: tuple[App, SandboxClient]) -> None:
    """bolt gets the whole message with the click and can update it; a forged value arrives as forged."""
    app, sandbox = wired
    async with slack_client(sandbox) as slack:
        ts = (await slack.chat_postMessage(channel="C0OPS", text="job", blocks=BUTTON))["ts"]

    forged = await sandbox.click("U0BOB", "C0OPS", ts, "go", value="job-2")

    await until(lambda: bool(app.seen))
    action = app.seen[0]["actions"][0]
    assert (action["value"], action["block_id"], action["action_ts"]) == ("job-2", "row", forged.action_ts)
    assert app.seen[0]["message"]["blocks"][0]["elements"][0]["value"] == "job-1"
    assert forged.shown is None
    updates = [call async for call in _calls(sandbox, "chat.update")]
    assert updates[0].outcome == "ok"
    assert [message.text for message in await sandbox.messages("U0BOB")] == ["clicked"]


async def _calls(sandbox: SandboxClient, method: str) -> AsyncIterator[Any]:
    """The calls of a method, waiting for the first."""
    after = 0
    for _ in range(10):
        for call in await sandbox.calls(after, wait_ms=2000):
            after = call.n
            if call.method == method:
                yield call
                return


async def test_a_button_in_an_ephemeral_message_can_be_clicked(wired: tuple[App, SandboxClient]) -> None:
    """A click on an ephemeral message names it without its content, as Slack does."""
    app, sandbox = wired
    async with slack_client(sandbox) as slack:
        posted = await slack.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="t", blocks=BUTTON)

    await sandbox.click("U0ALICE", "C0OPS", posted["message_ts"], "go")

    await until(lambda: bool(app.seen))
    assert app.seen[0]["container"]["is_ephemeral"] is True
    assert "message" not in app.seen[0]


async def test_a_repeated_delivery_is_the_same_request(wired: tuple[App, SandboxClient]) -> None:
    """`repeat` sends the identical signed bytes again, so that the app meets the same trigger twice."""
    app, sandbox = wired

    await sandbox.command("U0ALICE", "C0OPS", "x", repeat=3)

    await until(lambda: len(app.seen) == 3)
    assert len({body["trigger_id"] for body in app.seen}) == 1


async def test_an_app_that_takes_too_long_is_given_up(wired: tuple[App, SandboxClient]) -> None:
    """After three seconds the user reads operation_timeout; this test takes as long."""
    app, sandbox = wired
    app.delay_seconds = 4

    delivery = await sandbox.command("U0ALICE", "C0OPS", "x")

    sentence = '/dealershipai failed with the error "operation_timeout"'
    assert (delivery.status, delivery.shown) == (0, sentence)
    assert 2900 < delivery.elapsed_ms < 3900
    assert [(m.text, m.ephemeral) for m in await sandbox.messages("U0ALICE")] == [(sentence, True)]


async def test_an_app_that_fails_is_reported_to_the_user(wired: tuple[App, SandboxClient]) -> None:
    """Anything but a 200 is dispatch_failed: a notice for a command, a warning on the message for a click."""
    app, sandbox = wired
    async with slack_client(sandbox) as slack:
        ts = (await slack.chat_postMessage(channel="C0RANDOM", text="job", blocks=BUTTON))["ts"]
    app.plain = web.Response(status=503)

    command = await sandbox.command("U0ALICE", "C0OPS", "x")
    app.plain = web.Response(status=503)
    click = await sandbox.click("U0ALICE", "C0RANDOM", ts, "go")

    assert command.shown == '/dealershipai failed with the error "dispatch_failed"'
    assert [message.notices for message in await sandbox.messages("U0ALICE", "C0RANDOM")] == [[click.shown]]
    assert [message.notices for message in await sandbox.messages("U0BOB", "C0RANDOM")] == [[]]


async def test_the_body_of_the_acknowledgement_is_shown(wired: tuple[App, SandboxClient]) -> None:
    """A message in the 200 of a command is shown in the channel if it says so."""
    app, sandbox = wired
    app.plain = web.json_response({"response_type": "in_channel", "text": "for all"})

    await sandbox.command("U0ALICE", "C0OPS", "x")

    assert [message.text for message in await sandbox.messages("U0BOB")] == ["for all"]


async def test_a_response_url_has_five_uses(wired: tuple[App, SandboxClient]) -> None:
    """The sixth use gets 404 used_url, an invented one expired_url, and neither shows anything."""
    app, sandbox = wired
    app.plain = web.Response()
    url = (await sandbox.command("U0ALICE", "C0OPS", "x")).response_url
    assert url is not None
    async with aiohttp.ClientSession() as session:
        for _ in range(5):
            async with session.post(url, json={"text": "use"}) as response:
                assert response.status == 200
        async with session.post(url, json={"text": "sixth"}) as response:
            assert (response.status, (await response.json())["error"]) == (404, "used_url")
        async with session.post(url + "x", json={"text": "x"}) as response:
            assert (response.status, (await response.json())["error"]) == (404, "expired_url")

    assert [message.text for message in await sandbox.messages("U0ALICE")] == ["use"] * 5


async def test_a_response_url_replaces_and_deletes_what_was_clicked(wired: tuple[App, SandboxClient]) -> None:
    """replace_original changes the clicked message in place and delete_original takes it away."""
    app, sandbox = wired
    app.plain = web.Response()
    async with slack_client(sandbox) as slack:
        posted = await slack.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="t", blocks=BUTTON)
    url = (await sandbox.click("U0ALICE", "C0OPS", posted["message_ts"], "go")).response_url
    assert url is not None
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json={"text": "new", "replace_original": True}):
            replaced = await sandbox.messages("U0ALICE")
        async with session.post(url, json={"delete_original": True}):
            deleted = await sandbox.messages("U0ALICE")

    assert [(message.ts, message.text) for message in replaced] == [(posted["message_ts"], "new")]
    assert deleted == []


async def test_url_verification_is_answered_by_bolt(wired: tuple[App, SandboxClient]) -> None:
    """The handshake of the events URL reaches the app signed, and its answer comes back."""
    _, sandbox = wired

    delivery = await sandbox.event("url_verification", event={"challenge": "c-1"})

    assert delivery.status == 200
    assert "c-1" in delivery.body
