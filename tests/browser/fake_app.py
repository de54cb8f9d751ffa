"""A small app behind slack_bolt, as the sandbox's page meets it: a card with buttons, a bar, a refusal, a modal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from integration.sandbox.running import SECRET, TOKEN

STEPS = (20, 60, 100)


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action: str, label: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": plain(label), "value": "v", **more}


CONFIRM = {"title": plain("Delete it?"), "text": plain("For good."), "confirm": plain("Delete"), "deny": plain("Keep")}
CARD = [
    {"type": "header", "text": plain("Naples Honda")},
    section("*naples-honda* for <@U0BOB>, `ready` :tada:"),
    {
        "type": "actions",
        "elements": [
            button("run", "Run Schema Fix", style="primary"),
            button("ask", "With parameters"),
            button("drop", "Delete", style="danger", confirm=CONFIRM),
            {"type": "button", "action_id": "link", "text": plain("Open Grafana"), "url": "http://127.0.0.1:9/d/x"},
        ],
    },
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "Asked <!date^1790000000^{date_num}|then>"}]},
]
UNKNOWN = {"type": "container", "child_blocks": [{"type": "divider"}]}
MODAL = {
    "type": "modal",
    "callback_id": "params",
    "title": plain("Parameters"),
    "submit": plain("Run"),
    "close": plain("Not now"),
    "blocks": [
        section("What should it do?"),
        {
            "type": "input",
            "block_id": "reason",
            "label": plain("Reason"),
            "hint": plain("A few words"),
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
        {
            "type": "input",
            "block_id": "how",
            "label": plain("How"),
            "element": {
                "type": "radio_buttons",
                "action_id": "choice",
                "options": [{"text": plain("Fast"), "value": "fast"}, {"text": plain("Safe"), "value": "safe"}],
            },
        },
    ],
}


class FakeApp:
    """`submitted` are the values of accepted modals. `connect` once the sandbox's address is known."""

    def __init__(self) -> None:
        self.url = ""
        self.submitted: list[dict[str, Any]] = []
        self.clicked: list[str] = []
        self.bolt: Any = None
        self._running: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.Response:
        bolt_request = AsyncBoltRequest(body=await request.text(), headers=dict(request.headers))
        answer = await self.bolt.async_dispatch(bolt_request)
        return web.Response(status=answer.status, text=answer.body)

    def connect(self, slack: AsyncWebClient) -> None:
        bolt = AsyncApp(client=slack, signing_secret=SECRET, token=TOKEN)
        bolt.command("/dealershipai")(self.on_command)
        bolt.action("run")(self.on_run)
        bolt.action("ask")(self.on_ask)
        bolt.action("drop")(self.on_drop)
        bolt.action("link")(self.on_other)
        bolt.view("params")(self.on_submit)
        self.bolt = bolt

    async def on_command(self, ack: Any, body: dict[str, Any], client: Any, respond: Any) -> None:
        await ack()
        if body["text"].startswith("status"):
            await client.chat_postMessage(channel=body["channel_id"], text="Naples Honda", blocks=CARD)
        elif body["text"] == "help":
            await respond(text="You may not do this, *Alice*.")
        else:
            await client.chat_postMessage(channel=body["channel_id"], text="Strange", blocks=[UNKNOWN])

    async def on_run(self, ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        channel = body["channel"]["id"]
        posted = await client.chat_postMessage(channel=channel, text="0%", blocks=[section("░░░░░░░░░░ 0%")])
        task = asyncio.create_task(self._progress(client, channel, posted["ts"]))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _progress(self, client: Any, channel: str, ts: str) -> None:
        for percent in STEPS:
            bar = "█" * (percent // 10) + "░" * (10 - percent // 10)
            await client.chat_update(channel=channel, ts=ts, text=f"{percent}%", blocks=[section(f"{bar} {percent}%")])
        await client.chat_postMessage(channel=channel, thread_ts=ts, text="Reached 60%: validated")
        await client.chat_postMessage(channel=channel, thread_ts=ts, text="Done: *11* problems corrected")

    async def on_ask(self, ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    async def on_submit(self, ack: Any, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        if len(values["reason"]["text"]["value"]) < 3:
            await ack(response_action="errors", errors={"reason": "Say a little more"})
            return
        await ack()
        self.submitted.append(values)

    async def on_drop(self, ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        self.clicked.append("drop")
        await client.chat_delete(channel=body["channel"]["id"], ts=body["message"]["ts"])

    async def on_other(self, ack: Any, body: dict[str, Any]) -> None:
        await ack()
        self.clicked.append(body["actions"][0]["action_id"])


@asynccontextmanager
async def fake_app() -> AsyncIterator[FakeApp]:
    app = FakeApp()
    site = web.Application()
    site.router.add_post("/slack/{what}", app.handle)
    async with TestServer(site) as server:
        app.url = str(server.make_url("/"))
        yield app
