"""Slack's side of Socket Mode, played by the test: what it sends, when, and what was acknowledged."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from waiting import until

APP_TOKEN = "xapp-1-A0OPSLOOP-1-of-the-tests"


class SlackSocket:
    """`answer` is what apps.connections.open says; None: an address that works once."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: dict[str, object] | None = None
        self.status = 200
        self.answers_pings = True
        self.asked: list[str] = []
        self.greeting: dict[str, object] = {"type": "hello", "num_connections": 1}
        self.sockets: list[web.WebSocketResponse] = []
        self.ever = 0
        self.acknowledged: list[str] = []
        self.answered: dict[str, object] = {}
        self._tickets: set[str] = set()

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    async def open(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("Authorization", ""))
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        honest: dict[str, object] = {"ok": True, "url": f"ws{self.url.removeprefix('http')}/socket/{ticket}"}
        return web.json_response(self.answer or honest, status=self.status)

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            raise web.HTTPForbidden
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(autoping=self.answers_pings)
        await socket.prepare(request)
        await socket.send_json(self.greeting)
        self.sockets.append(socket)
        self.ever += 1
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    found = json.loads(message.data)
                    self.answered[found["envelope_id"]] = found.get("payload")
                    self.acknowledged.append(found["envelope_id"])
        finally:
            self.sockets.remove(socket)
        return socket

    async def send(self, kind: str, payload: object, envelope_id: str = "", socket: int = -1) -> str:
        """One envelope on one of the connections; returns its id."""
        found = envelope_id or uuid.uuid4().hex
        await self.sockets[socket].send_json({"type": kind, "envelope_id": found, "payload": payload})
        return found

    async def say_goodbye(self, reason: str) -> None:
        await self.sockets[-1].send_json({"type": "disconnect", "reason": reason})

    async def until_acknowledged(self, envelope_id: str) -> None:
        await until(lambda: envelope_id in self.acknowledged)

    def drop(self) -> None:
        """The network breaks: no close frame."""
        for socket in list(self.sockets):
            transport = socket._req.transport if socket._req else None
            assert transport is not None
            transport.abort()


@contextlib.asynccontextmanager
async def slack_socket() -> AsyncIterator[SlackSocket]:
    played = SlackSocket()
    site = web.Application()
    site.router.add_post("/api/apps.connections.open", played.open)
    site.router.add_get("/socket/{ticket}", played.connect)
    async with TestServer(site) as server:
        played.url = str(server.make_url("")).rstrip("/")
        yield played
        for socket in list(played.sockets):
            await socket.close()
        await until(lambda: not played.sockets)


async def gone(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
