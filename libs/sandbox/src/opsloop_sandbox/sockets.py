"""The open Socket Mode connections: who is connected, and what was acknowledged."""

import asyncio
import contextlib
import uuid

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.socket_payloads import envelope, payload_of


class Connection:
    """One WebSocket. After a goodbye it still may acknowledge, but is given nothing new."""

    def __init__(self, websocket: WebSocket) -> None:
        self.is_leaving = False
        self._websocket = websocket

    async def send(self, message: JsonObject) -> None:
        await self._websocket.send_text(msgspec.json.encode(message).decode())

    async def end(self) -> None:
        await self._websocket.close()

    def drop(self) -> None:
        """Ends the connection without a word, as a broken network does."""
        self._websocket.state.transport.abort()


class Acknowledgement(msgspec.Struct, frozen=True):
    envelope_id: str
    payload: msgspec.Raw = msgspec.Raw(b"")


class Sockets:
    """A payload goes to any one connection, in turn. While there is one, nothing goes over HTTP."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self._awaited: dict[str, asyncio.Future[str]] = {}
        self._turn = 0

    def carries(self, path: str, body: bytes) -> bool:
        """Whether this goes over a socket. Request URLs are only verified over HTTP."""
        return bool(self.connections) and payload_of(path, body).get("type") != "url_verification"

    async def post(self, path: str, body: bytes) -> tuple[int, str]:
        """Like its HTTP twin: returns a status and the answer's body once acknowledged; it is waited for without end.

        A connection that ends before it acknowledges leaves the request without an answer, as Slack would.
        """
        envelope_id = str(uuid.uuid4())
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited[envelope_id] = answer
        # A connection may break this very moment.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._next().send(envelope(path, payload_of(path, body), envelope_id))
        try:
            return 200, await answer
        finally:
            del self._awaited[envelope_id]

    def _next(self) -> Connection:
        staying = [connection for connection in self.connections if not connection.is_leaving] or self.connections
        self._turn += 1
        return staying[self._turn % len(staying)]

    def received(self, text: str) -> None:
        """What an app sends is an acknowledgement; what is none, and one that comes too late, is not looked at."""
        try:
            found = msgspec.json.decode(text, type=Acknowledgement)
        except msgspec.DecodeError:
            return
        awaited = self._awaited.get(found.envelope_id)
        if awaited is not None and not awaited.done():
            awaited.set_result(bytes(found.payload).decode())
