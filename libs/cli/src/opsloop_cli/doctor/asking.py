"""One HTTP request, within a deadline; what comes of it is a value. An error's text may hold a secret: not repeated."""

import asyncio
import time
from collections.abc import Mapping

import aiohttp
import msgspec

DEADLINE_SECONDS = 5.0
LARGEST_ANSWER_BYTES = 1_000_000


class Answer(msgspec.Struct, frozen=True):
    """Names of headers in small letters; `sent_at` and `came_at` in Unix seconds, by our clock."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent_at: float
    came_at: float

    @property
    def fields(self) -> dict[str, object]:
        """The JSON object that was answered; empty where it is none."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}


class NoAnswer(msgspec.Struct, frozen=True):
    why: str


class Asker:
    """Asks over one session; `proxy` is for what lies outside, empty for none."""

    def __init__(self, session: aiohttp.ClientSession, proxy: str = "") -> None:
        self._session = session
        self._proxy = proxy

    async def get(
        self, url: str, query: Mapping[str, str] | None = None, *, token: str = "", outside: bool = False
    ) -> Answer | NoAnswer:
        return await self._ask("GET", url, query=query, headers=_bearer(token), outside=outside)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, token: str = "", outside: bool = False
    ) -> Answer | NoAnswer:
        return await self._ask("POST", url, body=body, headers={**headers, **_bearer(token)}, outside=outside)

    async def _ask(
        self,
        verb: str,
        url: str,
        *,
        headers: Mapping[str, str],
        outside: bool,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer | NoAnswer:
        proxy = self._proxy if outside and url.startswith("https:") else ""
        sent_at = time.time()
        try:
            async with (
                asyncio.timeout(DEADLINE_SECONDS),
                self._session.request(
                    verb, url, params=query, data=body, headers=headers, proxy=proxy or None, allow_redirects=False
                ) as response,
            ):
                read = await response.content.read(LARGEST_ANSWER_BYTES)
        except TimeoutError:
            return NoAnswer(f"no answer within {DEADLINE_SECONDS:.0f} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NoAnswer(f"no answer ({type(error).__name__})")
        return Answer(
            response.status,
            {name.lower(): value for name, value in response.headers.items()},
            read,
            sent_at,
            time.time(),
        )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
