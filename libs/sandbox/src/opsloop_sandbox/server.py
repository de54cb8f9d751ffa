"""Serves the sandbox on a socket that is already bound, until told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Generator

import uvicorn

from opsloop_sandbox.connection import ReachableProtocol


class AnnouncingServer(uvicorn.Server):
    """Prints the address once connections are accepted; leaves signals to `serve`."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._url, flush=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 = any. Raises OSError if the port is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def build_server(app: object, url: str) -> AnnouncingServer:
    """A server that cuts off requests still under way when it is told to exit."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # Starlette's and uvicorn's ASGI types name the same thing differently
        http=ReachableProtocol,
        ws="websockets-sansio",
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=0,
    )
    return AnnouncingServer(config, url)


async def serve(app: object, listener: socket.socket, url: str) -> None:
    """Returns soon after SIGTERM or SIGINT."""
    server = build_server(app, url)

    def stop() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await server.serve(sockets=[listener])
