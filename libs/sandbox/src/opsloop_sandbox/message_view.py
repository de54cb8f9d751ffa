"""A stored message as Slack's Web API and payloads show it, and as a person sees it."""

from opsloop_sandbox.contract import SeenMessage
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.records import APP_ID, BOT_ID, BOT_USER_ID, SLACKBOT, TEAM, Message
from opsloop_sandbox.workspace import Workspace

TOMBSTONE_TEXT = "This message was deleted."


def api_message(message: Message, replies: list[Message], *, with_metadata: bool) -> JsonObject:
    """Metadata is left out unless asked for: Slack does the same for event types that no manifest declares."""
    if message.tombstone:
        shown: JsonObject = {
            "type": "message",
            "subtype": "tombstone",
            "hidden": True,
            "user": SLACKBOT,
            "text": TOMBSTONE_TEXT,
            "ts": message.ts,
        }
    else:
        shown = _living(message)
        if with_metadata and message.metadata:
            shown["metadata"] = message.metadata
    return shown | _thread_facts(message, replies)


def _living(message: Message) -> JsonObject:
    shown: JsonObject = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": TEAM,
    }
    if message.user == BOT_USER_ID:
        shown |= {"bot_id": BOT_ID, "app_id": APP_ID}
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.attachments:
        shown["attachments"] = message.attachments
    if message.edited_ts:
        shown["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.broadcast:
        shown["subtype"] = "thread_broadcast"
    return shown


def _thread_facts(message: Message, replies: list[Message]) -> JsonObject:
    if message.is_reply:
        return {"thread_ts": message.thread_ts}
    if not replies:
        return {}
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": sorted({reply.user for reply in replies}),
        "reply_users_count": len({reply.user for reply in replies}),
        "latest_reply": replies[-1].ts,
    }


def public_replies(workspace: Workspace, message: Message) -> list[Message]:
    """The replies everyone sees: ephemeral ones are nobody's thread."""
    return [reply for reply in workspace.replies(message.channel, message.ts) if reply.only_for is None]


def seen_by(workspace: Workspace, user: str, channel: str) -> list[SeenMessage]:
    """The channel as the user sees it, oldest first, with the replies inside their parents."""
    visible = [message for message in workspace.oldest_first(channel) if message.only_for in (None, user)]
    top = [message for message in visible if not message.is_reply or message.broadcast]
    return [seen_message(workspace, message, user) for message in top]


def seen_message(workspace: Workspace, message: Message, user: str) -> SeenMessage:
    """The message and its thread, without what is for others only."""
    replies = [] if message.is_reply else workspace.replies(message.channel, message.ts)
    return SeenMessage(
        ts=message.ts,
        user=message.user,
        text=TOMBSTONE_TEXT if message.tombstone else message.text,
        blocks=message.blocks,
        metadata=message.metadata,
        attachments=message.attachments,
        broadcast=message.broadcast,
        edited=message.edited_ts is not None,
        ephemeral=message.only_for is not None,
        deleted=message.tombstone,
        thread_ts=message.thread_ts,
        notices=message.notices.get(user, []),
        replies=[seen_message(workspace, reply, user) for reply in replies if reply.only_for in (None, user)],
    )
