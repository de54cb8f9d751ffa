"""Slack's side of Socket Mode: `apps.connections.open`, the WebSocket it leads to, and control of both.

https://docs.slack.dev/reference/methods/apps.connections.open
"""

import asyncio
import secrets
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from opsloop_sandbox.calls import CallLog
from opsloop_sandbox.contract import Call, FaultRequest
from opsloop_sandbox.endpoint import for_neighbours, json_answer, read
from opsloop_sandbox.faults import Faults
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.misbehaviour import misbehave, outcome_of
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.socket_contract import SocketsRequest, SocketsView
from opsloop_sandbox.socket_payloads import goodbye, hello
from opsloop_sandbox.sockets import Connection, Sockets

METHOD = "apps.connections.open"
MOST_CONNECTIONS = 10
MOST_TICKETS = 100
LEAVING_SECONDS = 3.0


class SocketMode:
    """An empty `app_token` switches it off: no token is the right one."""

    def __init__(self, *, app_token: str, base_url: str, sockets: Sockets, calls: CallLog, faults: Faults) -> None:
        self._token = app_token
        self._base_url = base_url
        self._sockets = sockets
        self._calls = calls
        self._faults = faults
        self._tickets: list[str] = []
        self._opened = 0
        self._closings: set[asyncio.Task[None]] = set()

    def routes(self) -> list[BaseRoute]:
        """They stand before the route that takes every method of the Web API."""
        return [
            Route(f"/api/{METHOD}", self.open, methods=["GET", "POST"]),
            WebSocketRoute("/socket/{ticket}", self.connect),
            Route("/control/sockets", for_neighbours(self.show), methods=["GET"]),
            Route("/control/sockets", for_neighbours(self.change), methods=["POST"]),
        ]

    async def open(self, request: Request) -> Response:
        fault = self._faults.strike(METHOD, "")
        body = self._answer(request.headers.get("authorization", "").removeprefix("Bearer").strip())
        self._record(body, fault)
        honest = JSONResponse(body)
        return honest if fault is None else await misbehave(fault, honest, request)

    def _answer(self, token: str) -> JsonObject:
        try:
            self._admit(token)
        except SlackError as error:
            return error.body()
        ticket = secrets.token_urlsafe(24)
        self._tickets = [*self._tickets[-MOST_TICKETS + 1 :], ticket]
        return {"ok": True, "url": f"ws{self._base_url.removeprefix('http')}/socket/{ticket}"}

    def _admit(self, token: str) -> None:
        if not token:
            raise SlackError("not_authed")
        if token.startswith("xox"):
            raise SlackError("not_allowed_token_type")
        if not self._token or not secrets.compare_digest(token.encode(), self._token.encode()):
            raise SlackError("invalid_auth")

    def _record(self, body: JsonObject, fault: FaultRequest | None) -> None:
        outcome = "ok" if body["ok"] else str(body["error"])
        self._calls.add(
            Call(
                n=0,
                at=time.time(),
                method=METHOD,
                args={},
                outcome=outcome if fault is None else outcome_of(fault),
                effect=False,
                behaviour=None if fault is None else fault.behaviour,
                request_id=secrets.token_hex(16),
            )
        )

    async def connect(self, websocket: WebSocket) -> None:
        """A ticket opens one connection, once."""
        ticket = websocket.path_params["ticket"]
        if ticket not in self._tickets:
            await websocket.close()
            return
        self._tickets.remove(ticket)
        await websocket.accept()
        connection = Connection(websocket)
        if len(self._sockets.connections) >= MOST_CONNECTIONS:
            await connection.send(goodbye("too_many_websockets"))
            await connection.end()
            return
        await self._serve(connection, websocket)

    async def _serve(self, connection: Connection, websocket: WebSocket) -> None:
        await connection.send(hello(len(self._sockets.connections) + 1))
        self._sockets.connections.append(connection)
        self._opened += 1
        try:
            async for text in websocket.iter_text():
                self._sockets.received(text)
        except (WebSocketDisconnect, RuntimeError):
            pass  # it ended while something was being sent
        finally:
            self._sockets.connections.remove(connection)

    async def show(self, request: Request) -> Response:
        return json_answer(self._view())

    def _view(self) -> SocketsView:
        leaving = sum(connection.is_leaving for connection in self._sockets.connections)
        connected = len(self._sockets.connections) - leaving
        return SocketsView(connected=connected, leaving=leaving, opened=self._opened)

    async def change(self, request: Request) -> Response:
        wanted = await read(request, SocketsRequest)
        for connection in list(self._sockets.connections):
            if wanted.do == "drop":
                connection.drop()
                continue
            connection.is_leaving = True
            await connection.send(goodbye(wanted.reason))
            self._close_later(connection, 0.0 if wanted.reason == "link_disabled" else LEAVING_SECONDS)
        return json_answer(self._view())

    def _close_later(self, connection: Connection, seconds: float) -> None:
        async def close() -> None:
            await asyncio.sleep(seconds)
            if connection in self._sockets.connections:
                await connection.end()

        task = asyncio.create_task(close())
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)
