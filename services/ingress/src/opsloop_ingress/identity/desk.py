"""Answers "who is this person": first Slack is asked for the address, then a provider for who has it."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from opsloop_common.people import Identity, IdentityQuery, Person
from opsloop_ingress.counters import Counters
from opsloop_ingress.identity.memory import Memory
from opsloop_ingress.identity.outcome import Address, NoAnswer, NotSetUp, Refusal, Source, refused, unknown

log = logging.getLogger(__name__)

LOOK_UP_SECONDS = 3.0
AT_ONCE = 64


class Users(Protocol):
    """The chat product's people."""

    async def look_up(self, person: Person) -> Address | Refusal:
        """Raises NoAnswer."""
        ...


class Provider(Protocol):
    """Knows who has an address."""

    source: Source

    async def look_up(self, email: str) -> Identity:
        """`email` is in its normal form. Raises NoAnswer."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


class Desk:
    """Without `users` or `provider` nobody can be told. `clock` counts seconds and never goes back.

    At most AT_ONCE people are asked for side by side; waiting for a turn counts against the deadline of a lookup.
    """

    def __init__(
        self,
        *,
        users: Users | None,
        provider: Provider | None,
        counters: Counters,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _now,
        deadline_seconds: float = LOOK_UP_SECONDS,
    ) -> None:
        self._users = users
        self._provider = provider
        self._counters = counters
        self._now = now
        self._deadline_seconds = deadline_seconds
        self._memory = Memory(self._look_up, clock=clock)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._problem = ""

    async def answer(self, query: IdentityQuery) -> Identity:
        """Never raises for what a source does. A `fresh` answer may be one that is already being waited for."""
        if not query.fresh and (remembered := self._memory.remembered(query.person)):
            self._count("memory", remembered)
            return remembered
        return await self._memory.ask(query.person)

    async def close(self) -> None:
        await self._memory.close()

    async def _look_up(self, person: Person) -> Identity:
        began_at, began = self._now(), time.monotonic()
        source, identity = await self._from_sources(person)
        self._counters.identity_seconds.observe(time.monotonic() - began)
        self._count(source, identity)
        return msgspec.structs.replace(identity, at=began_at)

    async def _from_sources(self, person: Person) -> tuple[str, Identity]:
        """The identity, and which source had the last word."""
        if self._users is None or self._provider is None:
            return "none", unknown("not_set_up")
        source = "slack"
        try:
            async with asyncio.timeout(self._deadline_seconds), self._turns:
                found = await self._users.look_up(person)
                if isinstance(found, Refusal):
                    identity = refused("", found.reason)
                else:
                    source = self._provider.source
                    identity = await self._provider.look_up(found.email)
        except (NoAnswer, TimeoutError) as error:
            self._tell(str(error) or f"nobody could be asked within {self._deadline_seconds:g} s")
            return source, unknown("not_set_up" if isinstance(error, NotSetUp) else "no_answer")
        if source != "slack":  # a refusal by Slack does not tell that the provider is well
            self._problem = ""
        return source, identity

    def _count(self, source: str, identity: Identity) -> None:
        self._counters.identity_lookups.labels(source, identity.reason or identity.state).inc()

    def _tell(self, problem: str) -> None:
        """Told once, however many people are asked for meanwhile."""
        if problem != self._problem:
            log.warning("cannot tell who somebody is: %s", problem)
        self._problem = problem
