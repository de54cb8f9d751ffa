"""The demo's backstage door: lets the sandbox's page stop, kill and start a service, to see the others cope.

A unix socket in the data folder; one JSON object a line, one line back. Only services can be touched, not the broker
nor the sandbox itself, which is who asks.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import msgspec

from opsloop_cli.plan import SERVICES, backstage_socket, service_of
from opsloop_cli.processes import Child, Supervisor

LONGEST_LINE_BYTES = 4096


class Wish(msgspec.Struct, frozen=True):
    do: Literal["list", "stop", "kill", "start"]
    name: str = ""


@contextlib.asynccontextmanager
async def open_door(supervisor: Supervisor, folder: Path) -> AsyncIterator[None]:
    """Answers at the door while inside."""
    path = backstage_socket(folder)
    if path is None:
        yield
        return
    path.unlink(missing_ok=True)

    visitors: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitors.add(writer)
        with contextlib.suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                writer.write(msgspec.json.encode(answer(supervisor, line)) + b"\n")
                await writer.drain()
        visitors.discard(writer)
        writer.close()

    server = await asyncio.start_unix_server(serve, path, limit=LONGEST_LINE_BYTES)
    try:
        yield
    finally:
        server.close()
        for visitor in visitors:
            visitor.transport.abort()
        # The transport closes its socket in the loop's next turn.
        await asyncio.sleep(0)
        path.unlink(missing_ok=True)


def answer(supervisor: Supervisor, line: bytes) -> dict[str, object]:
    """What becomes of a wish; a wish nobody understands is told so."""
    try:
        wish = msgspec.json.decode(line, type=Wish)
    except msgspec.MsgspecError as error:
        return {"ok": False, "error": str(error)}
    services = [child for child in supervisor.children if service_of(child.name) in SERVICES]
    if wish.do == "list":
        return {"services": [_seen(child) for child in services]}
    child = next((one for one in services if one.name == wish.name), None)
    if child is None:
        return {"ok": False, "error": f"there is no service {wish.name!r}"}
    return _done(supervisor, child, wish.do)


def _done(supervisor: Supervisor, child: Child, do: str) -> dict[str, object]:
    if do == "start":
        if child.exit_code is None:
            return {"ok": False, "error": f"{child.name} is running already"}
        supervisor.restart(child)
        return {"ok": True}
    if child.exit_code is not None:
        return {"ok": False, "error": f"{child.name} is not running"}
    supervisor.expect_end(child)
    child.signal(signal.SIGKILL if do == "kill" else signal.SIGTERM)
    return {"ok": True}


def _seen(child: Child) -> dict[str, object]:
    return {"name": child.name, "pid": child.pid, "running": child.exit_code is None}
