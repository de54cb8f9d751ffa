"""The HTTP server: listens, serves until cancelled, finishes what it began. Signals belong to the runtime."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from opsloop_common import runtime
from opsloop_common.runtime import CannotStart

HEAD_SECONDS = 5.0
LEAVE_SECONDS = 0.2
"""How long requests are still taken while whoever sends them here hears that this process is to stop."""
GRACE_SECONDS = 1
BACKLOG = 512


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections from now on; port 0 is any free one. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotStart(runtime.port_taken("ingress", port, error)) from error


def address(listening: socket.socket) -> str:
    """Where it listens, as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serves until it is cancelled; a moment later no new connections, and a second for what is in flight."""
    server = _Server(_config(app))
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        asyncio.get_running_loop().call_later(LEAVE_SECONDS, server.leave)
        await serving
        raise


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        log_level="error",  # it warns of every malformed request that anybody sends
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=BACKLOG,
    )


class _Server(uvicorn.Server):
    def leave(self) -> None:
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signal handlers alone: the runtime cancels us."""
        yield


class ImpatientProtocol(H11Protocol):
    """uvicorn waits for headers as long as a byte arrives now and then; this closes after an absolute deadline."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._start_waiting()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:  # a head in parts, or the rest of a refused body
            self._start_waiting()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _start_waiting(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
