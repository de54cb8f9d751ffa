"""Asks Slack where to connect: `apps.connections.open` gives an address that can be used once."""

import re

import aiohttp
import msgspec

MOST_ANSWER_BYTES = 64 * 1024
LONGEST_WAIT_SECONDS = 60.0
WRONG_TOKEN = frozenset(
    {"invalid_auth", "not_authed", "not_allowed_token_type", "account_inactive", "token_revoked", "token_expired"}
    | {"missing_scope", "no_permission", "access_denied"}
)
HINT = "; SLACK_APP_TOKEN must be an app-level token (xapp-…) with the scope connections:write"

_CODE = re.compile(r"[a-z_]{1,50}")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom to connect. An empty `proxy` means none."""

    api_url: str
    app_token: str
    proxy: str = ""


class CannotOpen(Exception):
    """Why there is no connection, in words that may be logged; not to be tried again for `wait_seconds`."""

    def __init__(self, why: str, wait_seconds: float = 0.0) -> None:
        super().__init__(why)
        self.wait_seconds = wait_seconds


class _Opened(msgspec.Struct, frozen=True):
    ok: bool
    url: str = ""
    error: str = ""


async def ask(session: aiohttp.ClientSession, place: Place) -> str:
    """The address of a WebSocket: a capability, so it is never logged. Raises CannotOpen."""
    try:
        async with session.post(
            place.api_url.rstrip("/") + "/apps.connections.open",
            headers={"Authorization": f"Bearer {place.app_token}"},
            proxy=place.proxy or None,
            allow_redirects=False,
        ) as response:
            if response.status == 429:
                raise CannotOpen("Slack limits how often it may be connected to", _wait_seconds(response))
            return _url(await response.content.read(MOST_ANSWER_BYTES), response.status, place)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        # The text of such an error may hold the address and its ticket.
        raise CannotOpen(f"Slack cannot be reached ({type(error).__name__})") from error


def _url(answer: bytes, status: int, place: Place) -> str:
    try:
        opened = msgspec.json.decode(answer, type=_Opened)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CannotOpen(f"Slack's answer is not readable (HTTP {status})") from error
    if not opened.ok:
        code = opened.error if _CODE.fullmatch(opened.error) else "unknown error"
        raise CannotOpen(f"Slack refuses the connection: {code}" + (HINT if code in WRONG_TOKEN else ""))
    allowed = ("wss://",) if place.api_url.startswith("https:") else ("wss://", "ws://")
    if not opened.url.startswith(allowed):
        raise CannotOpen("Slack's answer names no WebSocket")
    return opened.url


def _wait_seconds(response: aiohttp.ClientResponse) -> float:
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_WAIT_SECONDS) if given.isdecimal() and len(given) < 10 else 30.0
