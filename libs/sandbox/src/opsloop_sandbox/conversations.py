"""The conversations.* methods: reading back what was posted, page by page."""

import base64
import binascii
from collections.abc import Iterable

import msgspec

from opsloop_sandbox.access import channel_to_describe, channel_to_read, require_scope
from opsloop_sandbox.arguments import Arguments
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.message_view import api_message, public_replies
from opsloop_sandbox.records import BOT_USER_ID, TEAM, Channel, Message
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.workspace import Workspace, ts_micros

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 999
END_OF_TIME = 10**18


class Window(msgspec.Struct, frozen=True):
    """Times in microseconds; `until` is a message's `stored_at` in Unix seconds, later ones are not readable yet."""

    oldest: int
    latest: int
    until: float

    def holds(self, message: Message) -> bool:
        return self.oldest <= ts_micros(message.ts) <= self.latest and message.stored_at <= self.until


def _window(arguments: Arguments, until: float) -> Window:
    edge = 0 if arguments.flag("inclusive") else 1
    oldest = _time(arguments, "oldest", -1)
    latest = _time(arguments, "latest", END_OF_TIME)
    return Window(oldest + edge, latest - edge, until)


def _time(arguments: Arguments, name: str, default: int) -> int:
    given = arguments.text(name)
    if not given:
        return default
    try:
        return ts_micros(given)
    except ValueError as error:
        raise SlackError(f"invalid_ts_{name}") from error


def history(workspace: Workspace, arguments: Arguments, now: float, *, lag_seconds: float = 0) -> JsonObject:
    """Newest first, without replies unless they were broadcast. A message younger than `lag_seconds` is missing."""
    channel = channel_to_read(workspace, arguments.required("channel"))
    window = _window(arguments, now - lag_seconds)
    limit = _limit(arguments)
    cursor = _cursor(arguments)
    page: list[Message] = []
    for message in workspace.newest_first(channel.id, window.latest if cursor is None else cursor):
        if ts_micros(message.ts) < window.oldest or len(page) > limit:
            break
        if window.holds(message) and message.only_for is None and (not message.is_reply or message.broadcast):
            page.append(message)
    return _page(workspace, page, limit, arguments)


def replies(workspace: Workspace, arguments: Arguments, now: float, *, lag_seconds: float = 0) -> JsonObject:
    """The parent and its replies, oldest first; the `ts` of a reply gives that reply alone."""
    channel = channel_to_read(workspace, arguments.required("channel"))
    parent = workspace.message(channel.id, arguments.required("ts"))
    window = _window(arguments, now - lag_seconds)
    if parent is None or parent.only_for is not None or parent.stored_at > window.until:
        raise SlackError("thread_not_found")
    limit = _limit(arguments)
    cursor = _cursor(arguments) or 0
    found = [reply for reply in public_replies(workspace, parent) if window.holds(reply)]
    thread = [message for message in [parent, *found] if ts_micros(message.ts) >= cursor]
    return _page(workspace, thread[: limit + 1], limit, arguments)


def _page(workspace: Workspace, found: list[Message], limit: int, arguments: Arguments) -> JsonObject:
    """`found` holds one message more than the limit if there is a next page."""
    with_metadata = arguments.flag("include_all_metadata")
    page: JsonObject = {
        "ok": True,
        "messages": _shown(workspace, found[:limit], with_metadata=with_metadata),
        "has_more": len(found) > limit,
    }
    if len(found) > limit:
        cursor = base64.b64encode(f"next_ts:{ts_micros(found[limit].ts)}".encode()).decode()
        page["response_metadata"] = {"next_cursor": cursor}
    return page


def _shown(workspace: Workspace, messages: Iterable[Message], *, with_metadata: bool) -> list[JsonObject]:
    return [
        api_message(message, public_replies(workspace, message), with_metadata=with_metadata) for message in messages
    ]


def _limit(arguments: Arguments) -> int:
    limit = arguments.number("limit", DEFAULT_LIMIT)
    if limit < 1:
        raise SlackError("invalid_limit")
    return min(limit, LARGEST_LIMIT)


def _cursor(arguments: Arguments) -> int | None:
    given = arguments.text("cursor")
    if not given:
        return None
    try:
        return int(base64.b64decode(given, validate=True).decode().removeprefix("next_ts:"))
    except (binascii.Error, ValueError) as error:
        raise SlackError("invalid_cursor") from error


def info(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    channel = channel_to_describe(workspace, arguments.required("channel"))
    return {"ok": True, "channel": _described(channel)}


def open_direct(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    require_scope(workspace, "im:write", "channels:manage", "groups:write", "mpim:write")
    user = arguments.required("users")
    if user not in workspace.users:
        raise SlackError("user_not_found")
    return {"ok": True, "channel": {"id": workspace.direct_channel(user).id}}


def _described(channel: Channel) -> JsonObject:
    described: JsonObject = {
        "id": channel.id,
        "is_im": channel.is_im,
        "is_archived": channel.is_archived,
        "is_private": channel.is_private,
        "is_ext_shared": False,
        "context_team_id": TEAM,
    }
    if channel.is_im:
        return described | {"user": channel.members[0]}
    return described | {
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_member": BOT_USER_ID in channel.members,
        "num_members": len(channel.members),
    }
