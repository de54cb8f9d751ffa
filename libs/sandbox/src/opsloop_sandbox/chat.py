"""The chat.* methods: post, update, delete, ephemeral, permalink."""

import msgspec

from opsloop_sandbox.access import channel_to_change, channel_to_post, visible_channel
from opsloop_sandbox.arguments import Arguments
from opsloop_sandbox.content import LONGEST_UPDATED_TEXT, Content, read_content
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.message_view import api_message, public_replies
from opsloop_sandbox.records import BOT_USER_ID, TEAM_DOMAIN, Channel, Message
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.workspace import Workspace, ts_micros


def post_message(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    channel = channel_to_post(workspace, arguments.required("channel"))
    content = read_content(arguments, longest_text=None)
    if content.is_empty:
        raise SlackError("no_text")
    message = new_message(
        workspace,
        channel.id,
        content,
        now,
        thread_ts=parent_ts(workspace, channel.id, arguments.text("thread_ts")),
        broadcast=arguments.flag("reply_broadcast"),
    )
    return _answer(workspace, message)


def post_ephemeral(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    channel = channel_to_post(workspace, arguments.required("channel"))
    user = arguments.required("user")
    content = read_content(arguments, longest_text=None)
    if content.is_empty:
        raise SlackError("no_text")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = parent_ts(workspace, channel.id, arguments.text("thread_ts"))
    message = new_message(workspace, channel.id, content, now, thread_ts=thread_ts, only_for=user)
    return {"ok": True, "message_ts": message.ts}


def new_message(
    workspace: Workspace,
    channel: str,
    content: Content,
    now: float,
    *,
    user: str = BOT_USER_ID,
    thread_ts: str | None = None,
    broadcast: bool = False,
    only_for: str | None = None,
) -> Message:
    """Stores a message. `now` in Unix seconds."""
    message = Message(
        channel=channel,
        ts=workspace.next_ts(now),
        user=user,
        text=content.text or "",
        stored_at=now,
        blocks=content.blocks or [],
        attachments=content.attachments or [],
        metadata=content.metadata or None,
        thread_ts=thread_ts,
        broadcast=broadcast and thread_ts is not None,
        only_for=only_for,
    )
    workspace.save(message)
    return message


def parent_ts(workspace: Workspace, channel: str, thread_ts: str) -> str | None:
    """The thread to reply in; only a top-level message can have one, a deleted one only if it had replies."""
    if not thread_ts:
        return None
    parent = workspace.message(channel, thread_ts)
    if parent is None or parent.only_for is not None:
        raise SlackError("thread_not_found")
    if parent.is_reply:
        raise SlackError("cannot_reply_to_message")
    return parent.ts


def update_message(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    """Text without blocks removes the blocks; what is not given at all stays, and so does metadata."""
    channel = channel_to_change(workspace, arguments.required("channel"))
    old = _own_message(workspace, channel, arguments.required("ts"), "cant_update_message")
    content = read_content(arguments, longest_text=LONGEST_UPDATED_TEXT)
    if content.text is None and content.blocks is None and content.attachments is None:
        raise SlackError("no_text")
    message = updated(old, content, edited_ts=workspace.next_ts(now))
    if not (message.text or message.blocks or message.attachments):
        raise SlackError("no_text")
    workspace.save(message)
    return {**_answer(workspace, message), "text": message.text}


def updated(old: Message, content: Content, *, edited_ts: str) -> Message:
    """The message after an update; only a change without blocks carries the "edited" mark."""
    blocks = old.blocks if content.text is None else []
    if content.blocks is not None:
        blocks = content.blocks
    metadata = old.metadata if content.metadata is None else (content.metadata or None)
    return msgspec.structs.replace(
        old,
        text=old.text if content.text is None else content.text,
        blocks=blocks,
        attachments=old.attachments if content.attachments is None else content.attachments,
        metadata=metadata,
        edited_ts=old.edited_ts if blocks else edited_ts,
    )


def delete_message(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    channel = channel_to_change(workspace, arguments.required("channel"))
    message = _own_message(workspace, channel, arguments.required("ts"), "cant_delete_message")
    take_away(workspace, message)
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def take_away(workspace: Workspace, message: Message) -> None:
    """Deletes a message; one with replies leaves a placeholder that holds the thread together."""
    if not message.is_reply and public_replies(workspace, message):
        workspace.save(
            msgspec.structs.replace(message, tombstone=True, text="", blocks=[], attachments=[], metadata=None)
        )
    else:
        workspace.remove(message)


def _own_message(workspace: Workspace, channel: Channel, ts: str, not_ours: str) -> Message:
    message = workspace.message(channel.id, ts)
    if message is None or message.tombstone or message.only_for is not None:
        raise SlackError("message_not_found")
    if message.user != BOT_USER_ID:
        raise SlackError(not_ours)
    return message


def get_permalink(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    channel = visible_channel(workspace, arguments.required("channel"))
    message = workspace.message(channel.id, arguments.required("message_ts"))
    if message is None or message.only_for is not None:
        raise SlackError("message_not_found")
    link = f"https://{TEAM_DOMAIN}.slack.com/archives/{channel.id}/p{ts_micros(message.ts)}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"ok": True, "channel": channel.id, "permalink": link}


def _answer(workspace: Workspace, message: Message) -> JsonObject:
    shown = api_message(message, public_replies(workspace, message), with_metadata=True)
    return {"ok": True, "channel": message.channel, "ts": message.ts, "message": shown}
