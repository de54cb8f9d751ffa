"""The page's one stream of server-sent events: what one person sees change, and what happens behind the scenes.

It begins with `hello`; whoever reads it loads the state then, so nothing is missed and nothing has to be kept.
"""

from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from opsloop_sandbox.changes import (
    BusPassed,
    BusTurned,
    CallAdded,
    Change,
    Changes,
    ChannelChanged,
    MessageChanged,
    SiteChanged,
    ViewChanged,
)
from opsloop_sandbox.message_view import seen_message
from opsloop_sandbox.records import Message
from opsloop_sandbox.refusal import not_found
from opsloop_sandbox.workspace import Workspace

Event: TypeAlias = tuple[str, object]
BEAT_SECONDS = 10.0
BEAT = b": still here\n\n"


class Live:
    def __init__(self, *, workspace: Workspace, changes: Changes, started: str) -> None:
        self._workspace = workspace
        self._changes = changes
        self._started = started

    async def endpoint(self, request: Request) -> Response:
        user = request.query_params.get("user", "")
        if user not in self._workspace.users:
            raise not_found("user_not_found", f"no person {user!r} in the workspace")
        return StreamingResponse(
            self._stream(user), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _stream(self, user: str) -> AsyncIterator[bytes]:
        with self._changes.watch() as watcher:
            yield written(("hello", {"started": self._started}))
            # A watcher that was too slow is cut off: the page comes back and loads the state anew.
            while not watcher.is_lost:
                change = await watcher.next(BEAT_SECONDS)
                if change is None:
                    yield BEAT
                    continue
                for event in seen_change(self._workspace, change, user):
                    yield written(event)


def written(event: Event) -> bytes:
    name, data = event
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def seen_change(workspace: Workspace, change: Change, user: str) -> Iterator[Event]:
    """The change as this person may see it: nothing of other people's messages and views."""
    match change:
        case MessageChanged(message, is_gone):
            yield from _message_events(workspace, message, user, is_gone=is_gone)
        case ChannelChanged(channel):
            yield "channel", {"channel": channel.id}
        case ViewChanged(of_user):
            yield from [("views", {})] if of_user == user else []
        case CallAdded(call):
            yield "call", call
        case SiteChanged(dealer):
            yield "site", {"dealer": dealer}
        case BusPassed(passing):
            yield "passing", passing
        case BusTurned(state):
            yield "bus", {"state": state}


def _message_events(workspace: Workspace, message: Message, user: str, *, is_gone: bool) -> Iterator[Event]:
    """A reply shows in its parent; one that was also sent to the channel, there too."""
    channel = workspace.channels.get(message.channel)
    if channel is None or user not in channel.members or message.only_for not in (None, user):
        return
    if message.is_reply and message.thread_ts is not None:
        parent = workspace.message(message.channel, message.thread_ts)
        if parent is not None:
            shown = seen_message(workspace, parent, user)
            yield "message", {"channel": message.channel, "message": shown}
    if is_gone:
        yield "gone", {"channel": message.channel, "ts": message.ts}
    elif not message.is_reply or message.broadcast:
        yield "message", {"channel": message.channel, "message": seen_message(workspace, message, user)}
