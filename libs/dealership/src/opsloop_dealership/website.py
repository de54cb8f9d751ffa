"""A dealer's site over HTTP: reads its page, puts its content. Every outcome that is not success is a TaskFailed."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp

from opsloop_common import crash, tracing
from opsloop_common.task import Run
from opsloop_dealership.failures import failure
from opsloop_dealership.page import Page, read_page
from opsloop_dealership.settings import Settings, read_settings, site_name

MAX_PAGE_BYTES = 5 * 1024 * 1024
MAX_REDIRECTS = 3
CONNECT_SECONDS = 10.0
CHUNK_BYTES = 64 * 1024
PASSWORD_FIELD = re.compile(r"<input\b[^>]{0,500}\btype\s*=\s*[\"']?password", re.IGNORECASE)
HTML_TYPES = ("text/html", "application/xhtml+xml")
# No compression: servers send a strong ETag then, and the bytes counted are the bytes sent.
READ_HEADERS = {
    "Accept": ", ".join(HTML_TYPES),
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
    "User-Agent": "OpsLoop-schema-fix/1",
}


class Site:
    """One site for as long as a step uses it."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings, log: Callable[[str], None]) -> None:
        self._session = session
        self._log = log
        self.settings = settings

    async def read(self) -> Page:
        """The page as it is now, within `timeout_seconds` in all, redirects included."""
        url, started = self.settings.page_url, monotonic()
        self._log(f"GET {url}, within {self.settings.timeout_seconds:g} s")
        with _reaching(url, self.settings.timeout_seconds):
            async with asyncio.timeout(self.settings.timeout_seconds):
                page = await self._follow(url)
        took_ms = (monotonic() - started) * 1000
        self._log(f"GET {site_name(page.url)}: {page.size_bytes} bytes in {took_ms:.0f} ms, ETag {page.etag or 'none'}")
        return page

    async def put(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Puts the content and returns the status. Redirects are not followed: the token stays with its site."""
        url, started = self.settings.content_url, monotonic()
        with _reaching(url, self.settings.timeout_seconds):
            async with (
                asyncio.timeout(self.settings.timeout_seconds),
                self._session.put(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                status = response.status
        took_ms = (monotonic() - started) * 1000
        self._log(f"PUT {site_name(url)}: {len(body)} bytes in {took_ms:.0f} ms, answer {status}")
        _check_put(status, url, self.settings.page_url)
        return status

    async def _follow(self, url: str) -> Page:
        for _ in range(MAX_REDIRECTS + 1):
            async with self._session.get(url, headers=READ_HEADERS, allow_redirects=False) as response:
                location = response.headers.get("Location")
                if not (300 <= response.status < 400 and location):
                    page = await _read(response, url)
                    break
                self._log(f"GET {site_name(url)}: answer {response.status}, redirected")
                url = _redirected(url, location)
        else:
            raise failure("too_many_redirects", site=site_name(self.settings.page_url), limit=MAX_REDIRECTS)
        if page.url != self.settings.page_url and PASSWORD_FIELD.search(page.text):
            raise failure("site_login", site=site_name(self.settings.page_url), reason="redirects to a login form")
        return page


@asynccontextmanager
async def open_site(run: Run) -> AsyncIterator[Site]:
    """The site of the run's target. Raises TaskFailed when its settings are missing or malformed."""
    settings = read_settings(run.target)
    connect = min(CONNECT_SECONDS, settings.timeout_seconds)
    timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect)
    traces = crash.of_requests(aiohttp.TraceConfig, lambda verb, _: f"site {verb}")
    async with aiohttp.ClientSession(
        headers=tracing.headers(), timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=traces
    ) as session:
        yield Site(session, settings, run.log)


@contextmanager
def _reaching(url: str, timeout_seconds: float) -> Iterator[None]:
    """Turns what goes wrong on the way to `url` into a failure."""
    name = site_name(url)
    try:
        yield
    except aiohttp.ServerTimeoutError as error:
        raise failure("site_timeout", site=name, seconds=f"{min(CONNECT_SECONDS, timeout_seconds):g}") from error
    except TimeoutError as error:
        raise failure("site_timeout", site=name, seconds=f"{timeout_seconds:g}") from error
    except (aiohttp.ClientError, ssl.SSLError, ConnectionError) as error:
        raise failure("site_unreachable", site=name, reason=connection_trouble(error)) from error


def connection_trouble(error: Exception) -> str:
    """What was wrong with a connection, for a sentence."""
    if isinstance(error, aiohttp.ClientConnectorDNSError) or isinstance(error.__cause__, socket.gaierror):
        return "its name has no address"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "its TLS certificate was not accepted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "the connection was refused"
    if isinstance(error, aiohttp.ClientConnectionError | ConnectionError | aiohttp.ClientPayloadError):
        return "the connection broke"
    return "it does not speak HTTP"


def _redirected(url: str, location: str) -> str:
    """Where a redirect leads. One to another host is mostly a login page, and never our page."""
    try:
        there, here = urlsplit(urljoin(url, location)), urlsplit(url)
        same_host = there.hostname == here.hostname and _port(there) in (
            _port(here),
            443 if _port(here) == 80 else None,
        )
    except ValueError:
        raise failure("site_login", site=site_name(url), reason="redirects to an address that is none") from None
    if there.scheme not in ("http", "https") or not same_host:
        raise failure(
            "site_login", site=site_name(url), reason=f"redirects to another host, {there.hostname or location}"
        )
    return there.geturl()


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


async def _read(response: aiohttp.ClientResponse, url: str) -> Page:
    name = site_name(url)
    _check_get(response.status, name)
    if response.content_type not in HTML_TYPES or "Content-Type" not in response.headers:
        told = response.content_type if "Content-Type" in response.headers else "no content type"
        raise failure("page_not_html", site=name, content_type=told)
    if (response.content_length or 0) > MAX_PAGE_BYTES:
        raise _too_large(name)
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_PAGE_BYTES:
            raise _too_large(name)
    return read_page(url, response.headers.get("ETag"), bytes(body), response.charset)


def _too_large(name: str) -> Exception:
    return failure("page_too_large", site=name, limit=f"{MAX_PAGE_BYTES // 1024 // 1024} MB")


def _check_get(status: int, name: str) -> None:
    if status in (401, 403):
        raise failure("site_login", site=name, reason=f"answered {status} and wants a login")
    if status in (404, 410):
        raise failure("site_not_found", site=name, status=status)
    if not 200 <= status < 300:
        raise failure("site_error_status", site=name, status=status)


def _check_put(status: int, content_url: str, page_url: str) -> None:
    if status in (401, 403):
        raise failure("content_unauthorized", site=site_name(content_url), status=status)
    if status == 412:
        raise failure("page_changed", site=site_name(page_url))
    if not 200 <= status < 300:
        raise failure("content_refused", site=site_name(content_url), status=status)
