"""The HTTP connection beneath a request: read what came, with a limit; break off; wait until the caller has left."""

import asyncio
import socket
import struct
from typing import Any

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

LARGEST_BODY_BYTES = 1024 * 1024


class TooLarge(Exception):
    """The request's body is over the limit."""


class ReachableProtocol(H11Protocol):
    """Hands each request its transport (`request.state.transport`), so that a fault can reset the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn itself
        state: dict[str, Any] = {**self.app_state, "transport": transport}
        self.app_state = state
        super().connection_made(transport)


async def read_body(request: Request) -> bytes:
    """Raises TooLarge beyond 1 MiB."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            raise TooLarge
    return bytes(body)


async def reset(request: Request) -> None:
    """Ends the connection without an answer: the caller reads "connection reset"."""
    transport = request.state.transport
    plain_socket = transport.get_extra_info("socket")
    # Zero linger makes the close a reset rather than an orderly end.
    plain_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await disconnected(request)


async def disconnected(request: Request) -> None:
    """Returns when the caller is gone. Only after the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
