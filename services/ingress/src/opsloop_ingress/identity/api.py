"""Asking an HTTP API for JSON: one GET, within a deadline and a size, and not at all while the API wants no calls."""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import msgspec

from opsloop_ingress.identity.outcome import Answered, NoAnswer

DEADLINE_SECONDS = 2.0
LARGEST_ANSWER_BYTES = 512 * 1024
PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3600.0


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """Where an API is and with which key. An empty `key`: it cannot be asked. An empty `proxy` means none."""

    url: str
    key: str
    proxy: str = ""


class Caller:
    """Calls one API. `name` stands in the reasons it gives; the session is not closed by it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api: Api,
        name: str,
        *,
        headers: dict[str, str] | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._api = api
        self._name = name
        self._headers = {
            "Authorization": f"Bearer {api.key}",
            "Accept-Encoding": "identity",  # a small body stays small
            **(headers or {}),
        }
        self._deadline_seconds = deadline_seconds
        self._clock = clock
        self._quiet_until = float("-inf")

    async def get(self, path: str, query: dict[str, str]) -> Answered:
        """Raises NoAnswer: cannot be reached, late, too long, too many calls. The reason may be logged."""
        if self._clock() < self._quiet_until:
            raise NoAnswer(f"{self._name} has asked for a pause (HTTP 429)")
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._get(path, query)
        except TimeoutError as error:
            raise NoAnswer(f"{self._name} does not answer within {self._deadline_seconds:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The text of such an error may hold the address, with a password in it.
            raise NoAnswer(f"{self._name} cannot be reached ({type(error).__name__})") from error

    async def _get(self, path: str, query: dict[str, str]) -> Answered:
        url = f"{self._api.url.rstrip('/')}/{path}"
        async with self._session.get(
            url, params=query, headers=self._headers, proxy=self._api.proxy or None, allow_redirects=False
        ) as response:
            if response.status == 429:
                self._quiet_until = self._clock() + pause_seconds(response.headers.get("Retry-After", ""))
                raise NoAnswer(f"{self._name} limits how often it may be asked (HTTP 429)")
            body = await _head(response)
            if len(body) > LARGEST_ANSWER_BYTES:
                response.close()
                raise NoAnswer(f"{self._name} answers with more than {LARGEST_ANSWER_BYTES} bytes")
            return Answered(response.status, body, response.headers.get("X-OAuth-Scopes", ""))


def pause_seconds(retry_after: str) -> float:
    """How long to make no calls: what the header says, in whole seconds; a short while where it says nothing."""
    given = retry_after.strip()
    if given.isascii() and given.isdecimal() and len(given) < 10:
        return min(float(given), LONGEST_PAUSE_SECONDS)
    return PAUSE_SECONDS


async def _head(response: aiohttp.ClientResponse) -> bytes:
    """The body, read no further than to see that it is too long."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            break
    return bytes(body)
