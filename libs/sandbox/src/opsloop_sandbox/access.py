"""Which conversations the bot may see and write to, with Slack's words for why not."""

from opsloop_sandbox.records import BOT_USER_ID, Channel
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.workspace import Workspace


def require_scope(workspace: Workspace, *any_of: str) -> None:
    """Raises SlackError("missing_scope") with what is needed and what the token has."""
    if not any(scope in workspace.scopes for scope in any_of):
        raise SlackError("missing_scope", needed=",".join(any_of), provided=",".join(workspace.scopes))


def channel_to_post(workspace: Workspace, name: str) -> Channel:
    """The conversation a post goes to: an id, `#name`, or a user id for the conversation with that user.

    A private channel without the bot does not exist for it; a public one can be written to with chat:write.public.
    """
    if name.startswith(("U", "W")) and name in workspace.users:
        return workspace.direct_channel(name)
    channel = workspace.channels.get(name) or _named(workspace, name.removeprefix("#"))
    if channel is None or (BOT_USER_ID not in channel.members and channel.is_private):
        raise SlackError("channel_not_found")
    if BOT_USER_ID not in channel.members and "chat:write.public" not in workspace.scopes:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def _named(workspace: Workspace, name: str) -> Channel | None:
    return next((channel for channel in workspace.channels.values() if channel.name and channel.name == name), None)


def channel_to_change(workspace: Workspace, channel_id: str) -> Channel:
    """The conversation whose message is changed: an id only. An archived one is closed to changes too."""
    channel = visible_channel(workspace, channel_id)
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def visible_channel(workspace: Workspace, channel_id: str) -> Channel:
    channel = workspace.channels.get(channel_id)
    if channel is None or (BOT_USER_ID not in channel.members and channel.is_private):
        raise SlackError("channel_not_found")
    return channel


def channel_to_read(workspace: Workspace, channel_id: str) -> Channel:
    """The conversation whose messages are read: the bot must be in it and hold the scope for its kind."""
    channel = workspace.channels.get(channel_id)
    if channel is None:
        require_scope(workspace, "channels:history", "groups:history", "mpim:history", "im:history")
        raise SlackError("channel_not_found")
    require_scope(workspace, f"{_kind(channel)}:history")
    if BOT_USER_ID not in visible_channel(workspace, channel_id).members:
        raise SlackError("not_in_channel")
    return channel


def channel_to_describe(workspace: Workspace, channel_id: str) -> Channel:
    channel = workspace.channels.get(channel_id)
    if channel is None:
        require_scope(workspace, "channels:read", "groups:read", "mpim:read", "im:read")
        raise SlackError("channel_not_found")
    require_scope(workspace, f"{_kind(channel)}:read")
    return visible_channel(workspace, channel_id)


def _kind(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "groups" if channel.is_private else "channels"
