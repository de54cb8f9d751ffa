"""Reading a body without trusting its sender: at most so many bytes, and all of them before a deadline."""

import asyncio

from starlette.types import Receive

from opsloop_ingress.refusal import Refused

DEADLINE_SECONDS = 5.0
DISCARDED_BYTES = 1024 * 1024
DISCARD_SECONDS = 1.0


async def read(receive: Receive, largest_bytes: int, deadline_seconds: float = DEADLINE_SECONDS) -> bytes:
    """The whole body. The deadline is absolute: a byte now and then does not extend it. Raises Refused."""
    try:
        async with asyncio.timeout(deadline_seconds):
            return await _read(receive, largest_bytes)
    except TimeoutError as error:
        raise Refused("slow_body") from error


async def _read(receive: Receive, largest_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("cut_off")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > largest_bytes:
            raise Refused("too_large")
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk])
        chunks.append(chunk)


async def discard(receive: Receive) -> None:
    """Reads on for a moment, so that a sender in the middle of its body lives to see the refusal."""
    size = 0
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            while size < DISCARDED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
