"""What the workspace consists of, and therefore the lines of its journal: each replaces what it names."""

import msgspec

from opsloop_sandbox.contract import User
from opsloop_sandbox.json_value import JsonObject

TEAM = "T0OPSLOOP"
TEAM_DOMAIN = "opsloop"
APP_ID = "A0OPSLOOP"
BOT_USER_ID = "U0BOT"
BOT_ID = "B0OPSLOOP"
SLACKBOT = "USLACKBOT"

DEFAULT_SCOPES = (
    "commands",
    "chat:write",
    "channels:history",
    "groups:history",
    "im:history",
    "mpim:history",
    "im:write",
    "users:read",
    "users:read.email",
)


class Channel(msgspec.Struct, frozen=True, kw_only=True, tag="channel"):
    id: str
    name: str
    members: tuple[str, ...]
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """`only_for` makes it ephemeral; `stored_at` is when it became readable, in Unix seconds."""

    channel: str
    ts: str
    user: str
    text: str
    stored_at: float
    blocks: list[JsonObject] = []
    attachments: list[JsonObject] = []
    metadata: JsonObject | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    edited_ts: str | None = None
    only_for: str | None = None
    tombstone: bool = False
    notices: dict[str, list[str]] = {}  # user -> warnings Slack shows that user on this message

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


class Removed(msgspec.Struct, frozen=True, kw_only=True, tag="removed"):
    channel: str
    ts: str


class Settings(msgspec.Struct, frozen=True, kw_only=True, tag="settings"):
    scopes: tuple[str, ...]


class UserChanged(msgspec.Struct, frozen=True, tag="user"):
    user: User


Record = Channel | Message | Removed | Settings | UserChanged
