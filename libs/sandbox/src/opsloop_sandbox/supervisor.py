"""Asks the process that started the services to stop, kill or start one: a line of JSON each way on a unix socket."""

import asyncio
from pathlib import Path
from typing import TypeVar

import msgspec

from opsloop_sandbox.page_contract import Service, ServiceRequest

ANSWER_SECONDS = 15.0
Answer = TypeVar("Answer")


class SupervisorError(Exception):
    """Nobody answered, or the answer was no; the text is for the person at the page."""


class _Listing(msgspec.Struct):
    services: list[Service]


class _Outcome(msgspec.Struct):
    ok: bool
    error: str = ""


class Supervisor:
    """`socket_path` None = the services were started by somebody else."""

    def __init__(self, socket_path: Path | None) -> None:
        self._path = socket_path

    async def services(self) -> list[Service]:
        """Raises SupervisorError."""
        return (await self._ask(b'{"do":"list"}', _Listing)).services

    async def act(self, request: ServiceRequest) -> None:
        """Raises SupervisorError."""
        outcome = await self._ask(msgspec.json.encode(request), _Outcome)
        if not outcome.ok:
            raise SupervisorError(outcome.error or f"{request.name} could not be reached")

    async def _ask(self, line: bytes, answer_type: type[Answer]) -> Answer:
        if self._path is None:
            raise SupervisorError('only the command "opsloop demo" lets services be stopped and started from here')
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await _exchange(self._path, line)
            return msgspec.json.decode(answer, type=answer_type)
        except (OSError, TimeoutError) as error:
            raise SupervisorError("the process that started the services does not answer") from error
        except msgspec.DecodeError as error:
            raise SupervisorError("the process that started the services answered something else") from error


async def _exchange(path: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(line + b"\n")
        await writer.drain()
        return await reader.readline()
    finally:
        writer.close()
