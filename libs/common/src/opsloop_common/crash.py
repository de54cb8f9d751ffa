"""Crash points: places in the adapters where a process can be made to die, as by kill -9, to prove that it may.

An adapter crosses one before and after whatever it does to the outside world. Nothing happens unless the environment
of the process says so:

    OPSLOOP_CRASH_AT="before publish evt.started#2"   dies at its second crossing of that name
    OPSLOOP_CRASH_RECORD=<file>                       appends each crossing with its count, and the death

Names are made of verbs and of kinds, never of ids or of what somebody wrote.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

AT = "OPSLOOP_CRASH_AT"
RECORD = "OPSLOOP_CRASH_RECORD"


class Crossings:
    """What this process has crossed, and where it is to die. `prefix` stands before each of its names."""

    def __init__(self, at: str, record: str, prefix: str) -> None:
        self._at = at
        self._record = record
        self._prefix = prefix
        self._counts: Counter[str] = Counter()

    def cross(self, name: str) -> None:
        self._counts[name] += 1
        numbered = f"{self._prefix}{name}#{self._counts[name]}"
        self._note(numbered)
        if numbered == self._at:
            self._note(f"died {numbered}")
            os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, line: str) -> None:
        if self._record:
            with Path(self._record).open("a") as file:
                file.write(f"{line}\n")


_crossings: Crossings | None = None
"""None in every process but those of a test: then a crossing costs one comparison."""


def watch(variables: Mapping[str, str], prefix: str = "") -> None:
    """Begins to count crossings if the environment asks for it. Called once, before anything is crossed."""
    global _crossings
    at, record = variables.get(AT, ""), variables.get(RECORD, "")
    _crossings = Crossings(at, record, prefix) if at or record else None


def is_watched() -> bool:
    return _crossings is not None


def crossing(when: str, deed: Callable[..., str], *about: object) -> None:
    """Crosses "<when> <deed>"; the deed is put into words only where somebody watches."""
    if _crossings is not None:
        _crossings.cross(f"{when} {deed(*about)}")


class Traces(Protocol):
    """The signals of an HTTP client's request, as aiohttp.TraceConfig has them."""

    @property
    def on_request_start(self) -> Any: ...
    @property
    def on_request_headers_sent(self) -> Any: ...
    @property
    def on_request_chunk_sent(self) -> Any: ...
    @property
    def on_request_end(self) -> Any: ...


T = TypeVar("T", bound=Traces)


def of_requests(new: Callable[[], T], name: Callable[[str, str], str]) -> list[T]:
    """The trace configurations of a session whose requests are crash points; none where nobody watches.

    `name` makes a deed of a request's verb and path. "After the bytes left" is when the kernel has them.
    """
    if _crossings is None:
        return []
    cross, traces = _crossings.cross, new()

    def named(params: Any) -> str:
        return name(params.method, params.url.path)

    async def before(session: object, context: object, params: Any) -> None:
        cross(f"before {named(params)}")

    async def left(session: object, context: object, params: Any) -> None:
        # The signal comes just before the bytes are written, in the same turn of the loop.
        asyncio.get_running_loop().call_soon(cross, f"after the bytes of {named(params)} left")

    async def head_left(session: object, context: object, params: Any) -> None:
        if params.method == "GET":
            await left(session, context, params)

    async def answered(session: object, context: object, params: Any) -> None:
        cross(f"after {named(params)} answered")

    traces.on_request_start.append(before)
    traces.on_request_headers_sent.append(head_left)
    traces.on_request_chunk_sent.append(left)
    traces.on_request_end.append(answered)
    return [traces]
