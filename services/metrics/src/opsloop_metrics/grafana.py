"""Grafana's HTTP API for annotations; https://grafana.com/docs/grafana/latest/developers/http_api/annotations/.

Found by their tags first, because an annotation has no key of ours and posting is not idempotent.
"""

import asyncio
from typing import TypeVar

import aiohttp
import msgspec

from opsloop_metrics.annotation import Annotation

T = TypeVar("T")

DEADLINE_SECONDS = 5.0
LARGEST_ANSWER_BYTES = 1_000_000
FOUND_AT_MOST = 100
LOOK_BACK_MS = 60_000
LONGEST_REASON = 200


class Unreachable(Exception):
    """Grafana did not do it: down, slow, refusing, or answering something else than its API."""


class _Found(msgspec.Struct, frozen=True):
    id: int
    tags: tuple[str, ...] = ()


class _Posted(msgspec.Struct, frozen=True):
    id: int


class Grafana:
    """One Grafana. The session is not closed by it. Every method raises Unreachable within the deadline."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: str, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._session = session
        self._url = f"{url.rstrip('/')}/api/annotations"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._deadline_seconds = deadline_seconds

    async def find(self, wanted: Annotation) -> int | None:
        """The id of the annotation with this identity; the oldest, should there be more."""
        query = [("tags", tag) for tag in wanted.identity]
        query += [("from", str(wanted.begins_ms - LOOK_BACK_MS)), ("to", str(wanted.begins_ms + LOOK_BACK_MS))]
        query += [("limit", str(FOUND_AT_MOST)), ("type", "annotation")]
        found = self._decoded(await self._call("GET", self._url, query=query), list[_Found])
        # A server that ignores a filter answers with everything it has.
        return min((one.id for one in found if set(wanted.identity) <= set(one.tags)), default=None)

    async def post(self, wanted: Annotation) -> int:
        return self._decoded(await self._call("POST", self._url, body=_body(wanted)), _Posted).id

    async def patch(self, id: int, wanted: Annotation) -> None:
        await self._call("PATCH", f"{self._url}/{id}", body=_body(wanted))

    async def _call(
        self, verb: str, url: str, *, query: list[tuple[str, str]] | None = None, body: dict[str, object] | None = None
    ) -> bytes:
        try:
            async with (
                asyncio.timeout(self._deadline_seconds),
                self._session.request(
                    verb, url, params=query, json=body, headers=self._headers, allow_redirects=False
                ) as response,
            ):
                answer = await response.content.read(LARGEST_ANSWER_BYTES)
        except TimeoutError as error:
            raise Unreachable(f"no answer within {self._deadline_seconds:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The text of such an error may hold the address, with a password in it.
            raise Unreachable(type(error).__name__) from error
        if response.status != 200:
            raise Unreachable(f"status {response.status}")
        return answer

    def _decoded(self, answer: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreachable(f"not the annotations API: {error}"[:LONGEST_REASON]) from error


def _body(wanted: Annotation) -> dict[str, object]:
    body: dict[str, object] = {"time": wanted.begins_ms, "tags": list(wanted.tags), "text": wanted.text}
    return body if wanted.ends_ms is None else {**body, "timeEnd": wanted.ends_ms}
