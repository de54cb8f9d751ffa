"""The one adapter of Slack's Web API. It sends once and says what came of it; when to send is not its business."""

import logging
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Protocol

import aiohttp
import msgspec
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from opsloop_common import crash, tracing
from opsloop_notifier.message import Block, Marker, Message, marker_in_block_id, version_in_block_id
from opsloop_notifier.outcome import (
    DEFAULT_PAUSE_SECONDS,
    Ambiguous,
    Dead,
    Gone,
    Limited,
    NotSent,
    Outcome,
    Sent,
    Unsent,
    of_error,
)

log = logging.getLogger(__name__)

CALL_SECONDS = 10.0
CONNECT_SECONDS = 3.0
PAGE = 100
SMALL_PAGE = 15
"""What an app gets at most that is distributed but not in Slack's directory, whatever it asks for."""
RESPONSE_URL_HOST = "hooks.slack.com"
ALWAYS = frozenset({"auth.test"})
"""What shows nothing to anybody."""

Count = Callable[[str, str, float], None]
"""Called with the method, the name of its outcome and how many seconds it took, once a call."""


class Identity(msgspec.Struct, frozen=True):
    """Who we are, by `auth.test`."""

    user: str
    bot_id: str


class Seen(msgspec.Struct, frozen=True):
    """A message read back, as far as it matters here; `version` is the one that was sent with its content."""

    ts: str
    bot_id: str
    marker: Marker | None
    version: str = ""


class Page(msgspec.Struct, frozen=True):
    messages: tuple[Seen, ...]
    cursor: str


class Slack(Protocol):
    """What the notifier needs of Slack. Nothing here raises for what Slack or the network does."""

    async def post(self, channel: str, thread_ts: str, message: Message) -> Outcome:
        """`thread_ts` is empty for a top-level message."""

    async def update(self, channel: str, ts: str, message: Message) -> Outcome: ...

    async def delete(self, channel: str, ts: str) -> Outcome:
        """Gone when it is not there any more."""

    async def ephemeral(self, channel: str, user: str, message: Message) -> Outcome: ...

    async def respond(self, url: str, message: Message) -> Outcome:
        """A private answer over a response URL, which is never logged. Dead for a host that is not Slack's."""

    async def open_view(self, trigger_id: str, view: Block) -> Outcome:
        """Opens a modal. A trigger is worth three seconds and one modal; it is never logged."""

    async def publish_view(self, user: str, view: Block) -> Outcome:
        """Replaces the app's page of a person as a whole."""

    async def permalink(self, channel: str, ts: str) -> str | NotSent: ...

    async def name(self, user: str) -> str | NotSent:
        """What the user is called; "" when Slack does not say."""

    async def read(
        self, channel: str, thread_ts: str, since: float, cursor: str, until: float | None = None
    ) -> Page | NotSent:
        """A page of a channel's history, or of a thread, between two times (Unix seconds); history is newest first."""

    async def identify(self) -> Identity | NotSent: ...


def open_session() -> aiohttp.ClientSession:
    """The session every call shares; the SDK ignores its own timeout with a session of ours."""
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS, sock_connect=CONNECT_SECONDS)
    traces = crash.of_requests(aiohttp.TraceConfig, _deed)
    return aiohttp.ClientSession(timeout=timeout, trace_configs=traces)


def _deed(verb: str, path: str) -> str:
    """A method's name; what is not one is a response URL, which belongs to nobody's eyes."""
    method = path.rpartition("/api/")[2]
    return method if "." in method and "/" not in method else "response_url"


class SlackWeb:
    """`Slack` over HTTP.

    `may_send` is asked right before anything is shown to anybody: whoever may be thought dead sends nothing.
    """

    def __init__(
        self,
        *,
        token: str,
        api_url: str,
        session: aiohttp.ClientSession,
        count: Count,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        # The SDK's default handler sends a post again when its answer was lost: a double message.
        self._client = AsyncWebClient(token=token, base_url=api_url, session=session, retry_handlers=[])
        self._session = session
        self._api = urllib.parse.urlsplit(api_url)
        self._count = count
        self._page = PAGE
        self.may_send = may_send

    def use(self, token: str) -> None:
        """From now on."""
        self._client.token = token

    async def post(self, channel: str, thread_ts: str, message: Message) -> Outcome:
        arguments: dict[str, object] = {"channel": channel, "unfurl_links": False, "unfurl_media": False}
        if thread_ts:
            arguments["thread_ts"] = thread_ts
        outcome = await self._send("chat.postMessage", {**arguments, **_content(message)})
        if thread_ts and isinstance(outcome, Sent) and outcome.thread_ts == "":
            # Slack shows a reply without its parent as a message of its own: nobody asked for that.
            await self.delete(outcome.channel, outcome.ts)
            return Gone("thread_not_found")
        return outcome

    async def update(self, channel: str, ts: str, message: Message) -> Outcome:
        return await self._send("chat.update", {"channel": channel, "ts": ts, **_content(message)})

    async def delete(self, channel: str, ts: str) -> Outcome:
        answer = await self._call("chat.delete", {"channel": channel, "ts": ts})
        return Sent(channel, ts) if isinstance(answer, dict) else answer

    async def ephemeral(self, channel: str, user: str, message: Message) -> Outcome:
        arguments: dict[str, object] = {"channel": channel, "user": user, "text": message.text}
        outcome = await self._call("chat.postEphemeral", {**arguments, **_blocks(message)})
        return Sent() if isinstance(outcome, dict) else outcome

    async def respond(self, url: str, message: Message) -> Outcome:
        began_at = time.monotonic()
        outcome = await self._respond(url, message)
        self._count("response_url", type(outcome).__name__, time.monotonic() - began_at)
        return outcome

    async def open_view(self, trigger_id: str, view: Block) -> Outcome:
        outcome = await self._call("views.open", {"trigger_id": trigger_id, "view": view})
        return Sent() if isinstance(outcome, dict) else outcome

    async def publish_view(self, user: str, view: Block) -> Outcome:
        outcome = await self._call("views.publish", {"user_id": user, "view": view})
        return Sent() if isinstance(outcome, dict) else outcome

    async def permalink(self, channel: str, ts: str) -> str | NotSent:
        answer = await self._call("chat.getPermalink", {"channel": channel, "message_ts": ts}, verb="GET")
        return _text(answer, "permalink") if isinstance(answer, dict) else answer

    async def name(self, user: str) -> str | NotSent:
        answer = await self._call("users.info", {"user": user}, verb="GET")
        return _display_name(answer) if isinstance(answer, dict) else answer

    async def read(
        self, channel: str, thread_ts: str, since: float, cursor: str, until: float | None = None
    ) -> Page | NotSent:
        method = "conversations.replies" if thread_ts else "conversations.history"
        query = {"channel": channel, "oldest": f"{since:.6f}", "limit": str(self._page), "inclusive": "true"}
        query |= {"include_all_metadata": "true"}
        query |= {"latest": f"{until:.6f}"} if until is not None else {}
        query |= {"ts": thread_ts} if thread_ts else {}
        query |= {"cursor": cursor} if cursor else {}
        answer = await self._call(method, query, verb="GET")
        if not isinstance(answer, dict):
            return answer
        page = _page(answer)
        if page.cursor and 0 < len(page.messages) <= SMALL_PAGE:
            self._page = SMALL_PAGE
        return page

    async def identify(self) -> Identity | NotSent:
        answer = await self._call("auth.test", {})
        return Identity(_text(answer, "user"), _text(answer, "bot_id")) if isinstance(answer, dict) else answer

    async def _send(self, method: str, arguments: Mapping[str, object]) -> Outcome:
        began_at = time.monotonic()
        answer = await self._ask(method, arguments, "POST")
        outcome = _sent(answer) if isinstance(answer, dict) else answer
        self._count(method, type(outcome).__name__, time.monotonic() - began_at)
        return outcome

    async def _call(
        self, method: str, arguments: Mapping[str, object], verb: str = "POST"
    ) -> dict[str, object] | NotSent:
        began_at = time.monotonic()
        outcome = await self._ask(method, arguments, verb)
        name = "Sent" if isinstance(outcome, dict) else type(outcome).__name__
        self._count(method, name, time.monotonic() - began_at)
        return outcome

    async def _ask(self, method: str, arguments: Mapping[str, object], verb: str) -> dict[str, object] | NotSent:
        if verb == "POST" and method not in ALWAYS and not self.may_send():
            return Unsent("this process may be thought dead")
        given = {"params": dict(arguments)} if verb == "GET" else {"json": dict(arguments)}
        try:
            with tracing.span(method):
                response = await self._client.api_call(method, http_verb=verb, **given)
        except SlackApiError as error:
            return _refusal(error)
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _failure(error)
        except (AttributeError, TypeError):
            # The SDK stumbles over JSON that is no object.
            return Ambiguous("an unreadable answer")
        data = response.data
        # Anything but an object that says ok was not written by the method we called.
        return data if isinstance(data, dict) and data.get("ok") is True else Ambiguous("an unreadable answer")

    async def _respond(self, url: str, message: Message) -> Outcome:
        if not self._is_slacks(url):
            return Dead("the response URL is not Slack's")
        if not self.may_send():
            return Unsent("this process may be thought dead")
        body = {"response_type": "ephemeral", "replace_original": False, "text": message.text, **_blocks(message)}
        try:
            async with self._session.post(url, json=body, allow_redirects=False) as response:
                await response.read()
                return _of_status(response.status, response.headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _failure(error)

    def _is_slacks(self, url: str) -> bool:
        try:
            parts = urllib.parse.urlsplit(url)
            is_slack = parts.scheme == "https" and parts.hostname == RESPONSE_URL_HOST
            return is_slack or (parts.scheme, parts.netloc) == (self._api.scheme, self._api.netloc)
        except ValueError:
            return False


def _sent(answer: Mapping[str, object]) -> Outcome:
    message = answer.get("message")
    thread_ts = _text(message, "thread_ts") if isinstance(message, dict) else None
    sent = Sent(_text(answer, "channel"), _text(answer, "ts"), thread_ts)
    return sent if sent.ts and sent.channel else Ambiguous("an answer without a timestamp")


def _content(message: Message) -> dict[str, object]:
    # An update without blocks in it would keep the old ones if it had no text; with text alone they go.
    return {"text": message.text, "metadata": message.metadata, **_blocks(message)}


def _blocks(message: Message) -> dict[str, object]:
    return {"blocks": message.blocks} if message.blocks else {}


def _refusal(error: SlackApiError) -> NotSent:
    """An HTTP error or `ok: false`. The SDK hands over its own response, or aiohttp's when the body was unreadable."""
    response = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    if status == 429:
        return Limited(_retry_after(headers) or DEFAULT_PAUSE_SECONDS)
    if status >= 500:
        return Ambiguous(f"HTTP {status}")
    if not isinstance(data, dict) or not isinstance(code, str):
        return Ambiguous(f"an unreadable answer (HTTP {status})")
    return of_error(code, retry_after_seconds=_retry_after(headers), details=_details(data))


def _failure(error: Exception) -> NotSent:
    """What the network did. Only before a connection stands is it certain that nothing was sent."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Unsent(type(error).__name__)
    return Ambiguous(type(error).__name__)


def _of_status(status: int, headers: Mapping[str, str]) -> Outcome:
    if status == 200:
        return Sent()
    if status == 429:
        return Limited(_retry_after(headers) or DEFAULT_PAUSE_SECONDS)
    return Ambiguous(f"HTTP {status}") if status >= 500 else Dead(f"HTTP {status}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _details(data: Mapping[str, object]) -> str:
    metadata = data.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    return "; ".join(str(message) for message in messages) if isinstance(messages, list) else ""


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _display_name(answer: Mapping[str, object]) -> str:
    user = answer.get("user")
    if not isinstance(user, dict):
        return ""
    profile = user.get("profile")
    chosen = _text(profile, "display_name") if isinstance(profile, dict) else ""
    return chosen or _text(user, "real_name") or _text(user, "name")


def _page(data: Mapping[str, object]) -> Page:
    messages = data.get("messages")
    metadata = data.get("response_metadata")
    found = [_seen(one) for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
    return Page(tuple(found), _text(metadata, "next_cursor") if isinstance(metadata, dict) else "")


def _seen(message: Mapping[str, object]) -> Seen:
    return Seen(_text(message, "ts"), _text(message, "bot_id"), _marker(message), _version(message))


def _marker(message: Mapping[str, object]) -> Marker | None:
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    if isinstance(payload, dict) and isinstance(payload.get("key"), str) and isinstance(payload.get("mac"), str):
        return Marker(payload["key"], payload["mac"])
    return marker_in_block_id(_first_block_id(message))


def _version(message: Mapping[str, object]) -> str:
    if version := version_in_block_id(_first_block_id(message)):
        return version
    # Blocks that Slack refused were sent as plain text.
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return _text(payload, "version") if isinstance(payload, dict) else ""


def _first_block_id(message: Mapping[str, object]) -> str:
    blocks = message.get("blocks")
    first = blocks[0] if isinstance(blocks, list) and blocks else None
    return _text(first, "block_id") if isinstance(first, dict) else ""
