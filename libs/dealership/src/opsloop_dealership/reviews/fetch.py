"""Bytes of a source over HTTP, within bounds of size and time. What goes wrong is a Trouble."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp
import msgspec

from opsloop_common import tracing
from opsloop_dealership.website import CHUNK_BYTES, CONNECT_SECONDS, MAX_REDIRECTS, connection_trouble

HEADERS = {"Accept-Encoding": "identity", "Cache-Control": "no-cache", "User-Agent": "OpsLoop-ugc-audit/1"}


class Trouble(Exception):
    """A source, or its next page, could not be read: the class of the failure and the rest of its sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """`cut` says why the body ends early, empty when it is whole. `url` is where redirects ended."""

    url: str
    body: bytes
    content_type: str
    charset: str | None
    cut: str = ""


@asynccontextmanager
async def open_session(timeout_seconds: float) -> AsyncIterator[aiohttp.ClientSession]:
    """No cookies; nobody is waited for longer than `timeout_seconds`, be it for an answer or for its next bytes."""
    connect = min(CONNECT_SECONDS, timeout_seconds)
    timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=timeout_seconds)
    async with aiohttp.ClientSession(
        headers=tracing.headers(), timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


async def fetch(session: aiohttp.ClientSession, url: str, accept: str, *, most_bytes: int, until: float) -> Fetched:
    """What `url` answers, at most `most_bytes` of it, and what has come by `until` (the loop's clock)."""
    headers = {**HEADERS, "Accept": accept}
    with _reaching():
        for _ in range(MAX_REDIRECTS + 1):
            try:
                async with asyncio.timeout_at(until):
                    response = await session.get(url, headers=headers, allow_redirects=False)
            except TimeoutError as error:
                raise _too_slow(session) from error
            async with response:
                location = response.headers.get("Location")
                if not (300 <= response.status < 400 and location):
                    return await _read(response, url, most_bytes, until)
                url = on_same_host(url, location)
                if not url:
                    raise Trouble("reviews_not_public", "redirects to another host")
    raise Trouble("reviews_error_status", f"redirected more than {MAX_REDIRECTS} times")


def on_same_host(here_url: str, link: str) -> str:
    """The absolute address of `link` when it leads to the same host and port (or from http to https); else empty."""
    try:
        there, here = urlsplit(urljoin(here_url, link)), urlsplit(here_url)
        ports = (_port(here), 443 if _port(here) == 80 else None)
        same = there.scheme in ("http", "https") and there.hostname == here.hostname and _port(there) in ports
    except ValueError:
        return ""
    return there._replace(fragment="").geturl() if same and "@" not in there.netloc else ""


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


async def _read(response: aiohttp.ClientResponse, url: str, most_bytes: int, until: float) -> Fetched:
    _check(response.status)
    body, cut = bytearray(), ""
    try:
        async with asyncio.timeout_at(until):
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                body += chunk
                if len(body) > most_bytes:
                    del body[most_bytes:]
                    cut = f"cut after {most_bytes // 1024 // 1024} MB"
                    break
    except TimeoutError:
        if not body:
            raise
        cut = "stopped sending, or sent too slowly"
    except aiohttp.ClientPayloadError:
        if not body:
            raise
        cut = "broke off"
    return Fetched(url=url, body=bytes(body), content_type=response.content_type, charset=response.charset, cut=cut)


def _check(status: int) -> None:
    if status in (401, 403):
        raise Trouble("reviews_not_public", f"answered {status} and wants a login")
    if status in (404, 410):
        raise Trouble("reviews_not_found", f"answered {status}")
    if not 200 <= status < 300:
        raise Trouble("reviews_error_status", f"answered {status} instead of the reviews")


def _too_slow(session: aiohttp.ClientSession) -> Trouble:
    seconds = session.timeout.sock_read or 0
    return Trouble("reviews_timeout", f"did not answer within {seconds:g} s")


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Trouble("reviews_timeout", "did not answer in time") from error
    except (aiohttp.ClientError, ssl.SSLError, ConnectionError) as error:
        raise Trouble("reviews_unreachable", connection_trouble(error)) from error
