"""Commands of which nobody knows whether the broker has them: sent again under the same id until it is known.

Slack was told of a failure by then. Once such a command is stored, a further one asks that its message says so.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from opsloop_common.commands import AnyCommand, CountClick, ShowHome, TellStored
from opsloop_common.subjects import make_id
from opsloop_ingress.counters import Counters

log = logging.getLogger(__name__)

AT_MOST = 1_000
LIFE_SECONDS = 3600.0
"""As long as the broker keeps commands: one that was stored and is gone by then has been handled."""
PAUSE_SECONDS = 0.5

Store = Callable[[AnyCommand], Awaitable[bool]]
"""Tries once; whether the broker is known to have the command."""


class _Unknown(msgspec.Struct):
    command: AnyCommand
    until: float


class Unknowns:
    def __init__(
        self,
        store: Store,
        counters: Counters,
        *,
        at_most: int = AT_MOST,
        life_seconds: float = LIFE_SECONDS,
    ) -> None:
        self._store = store
        self._outcomes = counters.unknowns
        self._at_most = at_most
        self._life_seconds = life_seconds
        self._waiting: dict[str, _Unknown] = {}
        self._some = asyncio.Event()
        counters.unknown.set_function(lambda: len(self._waiting))

    def add(self, command: AnyCommand) -> None:
        """Remembers a command, once. Never waits."""
        if command.request_id in self._waiting:
            return
        if len(self._waiting) >= self._at_most:
            self._drop(command.request_id, f"{self._at_most} others are waited for already")
            return
        until = asyncio.get_running_loop().time() + self._life_seconds
        self._waiting[command.request_id] = _Unknown(command, until)
        self._some.set()

    async def run(self) -> None:
        """Until cancelled; what is unknown then is dropped."""
        try:
            while True:
                await self._some.wait()
                for unknown in list(self._waiting.values()):
                    if not await self._settled(unknown):
                        # Whatever keeps one from being stored most likely keeps the others, too.
                        await asyncio.sleep(PAUSE_SECONDS)
                if not self._waiting:
                    self._some.clear()
        finally:
            for id in list(self._waiting):
                del self._waiting[id]
                self._drop(id, "stopping")

    async def _settled(self, unknown: _Unknown) -> bool:
        command = unknown.command
        if await self._store(command):
            del self._waiting[command.request_id]
            self._outcomes.labels("stored").inc()
            log.info("request %s was stored after Slack had been told of a failure", command.request_id)
            if not isinstance(command, CountClick | ShowHome | TellStored):
                self.add(told(command))
            return True
        if asyncio.get_running_loop().time() > unknown.until:
            del self._waiting[command.request_id]
            self._drop(command.request_id, f"not known within {self._life_seconds:g} s")
        return False

    def _drop(self, id: str, why: str) -> None:
        self._outcomes.labels("dropped").inc()
        log.error("nobody will know whether request %s was stored: %s", id, why)


def told(command: AnyCommand) -> TellStored:
    """The command that follows one that was stored late."""
    return TellStored(
        request_id=make_id(command.conversation, "late", command.request_id),
        actor=command.actor,
        conversation=command.conversation,
        asked_at=command.asked_at,
        stored_id=command.request_id,
    )
