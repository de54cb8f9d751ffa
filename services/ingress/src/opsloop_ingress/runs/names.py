"""What people are called on a run's page: asked of the chat product once an hour, waited for only a moment."""

import asyncio
import time
from collections.abc import Iterable

import aiohttp
import msgspec

from opsloop_common.people import Person
from opsloop_ingress.identity.api import Api, Caller
from opsloop_ingress.identity.outcome import NoAnswer

KEPT_SECONDS = 3600.0
WAIT_SECONDS = 0.7
KEPT_AT_MOST = 10_000


class _Profile(msgspec.Struct, frozen=True):
    display_name: str = ""
    real_name: str = ""


class _User(msgspec.Struct, frozen=True):
    profile: _Profile = _Profile()


class _Info(msgspec.Struct, frozen=True):
    user: _User = _User()


class Names:
    """`caller` is set once there is a session; without one, ids are shown."""

    def __init__(self) -> None:
        self.caller: Caller | None = None
        self._known: dict[str, tuple[str, float]] = {}

    async def serve(self, api: Api) -> None:
        """Keeps a session to ask with, until cancelled."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            self.caller = Caller(session, api, "Slack") if api.key else None
            await asyncio.Event().wait()

    def of(self, person: Person) -> str:
        """The name, or the id of somebody whose name is not known."""
        return self._known.get(person.user, ("", 0.0))[0] or person.user

    async def meet(self, people: Iterable[Person]) -> None:
        """Looks up who is not known yet."""
        now = time.monotonic()
        new = {person.user for person in people if self._known.get(person.user, ("", 0.0))[1] < now}
        if self.caller is None or not new:
            return
        if len(self._known) > KEPT_AT_MOST:
            self._known.clear()
        await asyncio.gather(*(self._ask(self.caller, user, now) for user in new))

    async def _ask(self, caller: Caller, user: str, now: float) -> None:
        name = ""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                answered = await caller.get("users.info", {"user": user})
            profile = msgspec.json.decode(answered.body, type=_Info).user.profile
            name = profile.display_name or profile.real_name
        except (NoAnswer, TimeoutError, msgspec.DecodeError, UnicodeDecodeError):
            pass
        self._known[user] = (name, now + (KEPT_SECONDS if name else 30.0))
