"""Looks at what passes between the services on the bus, and only looks."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator

import msgspec

from opsloop_common.bus import Bus
from opsloop_sandbox.changes import BusPassed, BusTurned, Changes
from opsloop_sandbox.json_value import JsonObject, as_object, as_text
from opsloop_sandbox.page_contract import BusState, Passing

EVERYTHING = "ops.>"
MOST_KEPT = 300
RETRY_SECONDS = 1.0
CAPABILITIES = ("answer_url",)
ABOUT = ("task", "target", "status", "step", "line", "reason")


class Onlooker:
    """`state` is "off" where no broker was named."""

    def __init__(self, nats_url: str, changes: Changes) -> None:
        self._url = nats_url
        self._changes = changes
        self._count = 0
        self._passed: deque[Passing] = deque(maxlen=MOST_KEPT)
        self.state: BusState = "connecting" if nats_url else "off"

    @property
    def passed(self) -> list[Passing]:
        """The newest, oldest first."""
        return list(self._passed)

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._look()) if self._url else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _look(self) -> None:
        while True:
            try:
                bus = await Bus.connect(self._url, "sandbox-onlooker")
            except OSError:
                # It may start after us: the page says meanwhile that it is not there.
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                self._turn("watching")
                async for seen in bus.watch(EVERYTHING):
                    self._note(passing(seen.subject, seen.data, self._count + 1, time.time()))
            finally:
                await bus.close()
            self._turn("connecting")

    def _turn(self, state: BusState) -> None:
        self.state = state
        self._changes.tell(BusTurned(state))

    def _note(self, seen: Passing) -> None:
        self._count = seen.n
        self._passed.append(seen)
        self._changes.tell(BusPassed(seen))


def passing(subject: str, payload: bytes, n: int, at: float) -> Passing:
    """One message as the page shows it; what cannot be read is shown by its subject alone."""
    try:
        decoded: object = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        decoded = None
    message = as_object(decoded) or {}
    data = as_object(message.get("data")) or message
    shown: JsonObject = {name: value for name, value in data.items() if name not in CAPABILITIES}
    return Passing(
        n=n,
        at=at,
        subject=subject,
        type=as_text(message.get("type")),
        source=as_text(message.get("source")) or _speaker(subject),
        about=_about(shown),
        data=shown or None,
    )


def _speaker(subject: str) -> str:
    """Who speaks on subjects whose messages do not say it; a question is known by whom it is put to."""
    if subject.startswith("ops.q."):
        return f"to {subject.split('.')[2]}"
    return "opsloop/orchestrator" if subject.startswith("ops.log.") else ""


def _about(data: JsonObject) -> str:
    inner = {**data, **(as_object(data.get("body")) or {})}
    words = [as_text(inner.get(name)) for name in ABOUT]
    percent = inner.get("percent")
    if isinstance(percent, int):
        words.append(f"{percent} %")
    return " · ".join(word for word in words if word)
