"""HTTP by hand: requests that no well-behaved client would send."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

Headers = Sequence[tuple[str, str]]


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: bytes


def head(path: str, headers: Headers, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: ingress", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode()


async def post(port: int, path: str, headers: Headers, body: bytes) -> Answer:
    return await exchange(port, [head(path, [*headers, ("Content-Length", str(len(body)))]) + body])


async def get(port: int, path: str) -> Answer:
    return await exchange(port, [head(path, [], "GET")])


async def exchange(port: int, parts: Iterable[bytes], pause_seconds: float = 0, hang_up: bool = False) -> Answer:
    """Sends the parts on a connection of their own, with pauses between them, and reads one answer.

    A status of 0 stands for a connection closed without one.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sending = asyncio.ensure_future(_send(writer, parts, pause_seconds, hang_up))
    try:
        return await _answer(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return Answer(0, {}, b"")
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def send_whole_then_read(port: int, parts: Iterable[bytes], pause_seconds: float) -> Answer:
    """As a client that does not look for an answer before it has sent everything."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await _send(writer, parts, pause_seconds, hang_up=False)
        return await _answer(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return Answer(0, {}, b"")
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def _send(writer: asyncio.StreamWriter, parts: Iterable[bytes], pause_seconds: float, hang_up: bool) -> None:
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(pause_seconds)
    if hang_up:
        writer.write_eof()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(lines[0].split(" ")[1]), headers, body)
