"""Waiting until every process says it can serve."""

import asyncio
import contextlib
import time
import urllib.parse

import msgspec

from opsloop_cli.plan import Program
from opsloop_common.runtime import CannotStart

POLL_SECONDS = 0.04
ANSWER_SECONDS = 2.0


class _Readiness(msgspec.Struct):
    problems: dict[str, str] = {}


async def all_ready(programs: tuple[Program, ...], deadline_seconds: float) -> None:
    """Returns when every program answers 200. Raises CannotStart naming who does not, and why."""
    deadline = time.monotonic() + deadline_seconds
    await asyncio.gather(*(_ready(program, deadline) for program in programs if program.ready_url))


async def _ready(program: Program, deadline: float) -> None:
    problem = "it does not answer"
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            status, body = await asyncio.wait_for(_get(program.ready_url), ANSWER_SECONDS)
            if status == 200:
                return
            problem = _problem(body) or f"it answers {status}"
        await asyncio.sleep(POLL_SECONDS)
    raise CannotStart(f"{program.name} is not ready: {problem}")


async def _get(url: str) -> tuple[int, bytes]:
    """Status and body. Raises OSError, ValueError."""
    parts = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]) if head.count(b" ") > 1 else 0, body
    finally:
        writer.close()


def _problem(body: bytes) -> str:
    try:
        return "; ".join(msgspec.json.decode(body, type=_Readiness).problems.values())
    except msgspec.DecodeError:
        return ""
