"""The control API's messages, as the sandbox writes and `opsloop_sandbox.client` reads them."""

from typing import Literal

import msgspec

from opsloop_sandbox.json_value import JsonObject

SiteMode = Literal["ok", "down", "slow", "not_html", "huge", "login", "redirect", "hang"]
Behaviour = Literal[
    "stored_then_reset",
    "stored_then_500",
    "lost_500",
    "hang",
    "slow_landing",
    "ratelimited",
    "unreadable_body",
    "error",
    "history_lag",
]


class User(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    real_name: str
    email: str
    team_id: str
    tz: str = "America/New_York"
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_email_confirmed: bool = True


class ChannelView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    is_private: bool
    is_member: bool  # whether the bot is in it
    is_archived: bool
    members: list[str]


class WorkspaceView(msgspec.Struct, frozen=True, kw_only=True):
    team: str
    app_id: str
    bot_user_id: str
    bot_id: str
    users: list[User]
    channels: list[ChannelView]
    scopes: list[str]
    rate_limits: bool


class SeenMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as one user sees it."""

    ts: str
    user: str
    text: str
    blocks: list[JsonObject]
    metadata: JsonObject | None = None
    edited: bool = False
    ephemeral: bool = False
    deleted: bool = False
    thread_ts: str | None = None
    attachments: list[JsonObject] = []
    broadcast: bool = False
    notices: list[str] = []
    replies: list["SeenMessage"] = []


class SeenMessages(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    messages: list[SeenMessage]


class CommandRequest(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    channel: str
    text: str = ""
    command: str = "/dealershipai"
    repeat: int = 1


class ClickRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`value` replaces the button's own, as a forger would; with it, even a button that is not there can be clicked."""

    user: str
    channel: str
    message_ts: str
    action_id: str
    value: str | None = None
    block_id: str | None = None
    repeat: int = 1


class EventRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`url_verification`, or any event: `event` is merged into its inner object."""

    type: str
    user: str | None = None
    event: JsonObject = {}


class UserMessageRequest(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    channel: str
    text: str
    thread_ts: str | None = None
    metadata: JsonObject | None = None


class DeleteRequest(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    ts: str
    user: str | None = None  # who deletes it: for the record only


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """How the app answered. `status` 0 = no answer; `shown` = the error the user reads, null if all went well."""

    status: int
    elapsed_ms: float
    shown: str | None
    body: str
    trigger_id: str | None = None
    action_ts: str | None = None
    response_url: str | None = None
    repeats: list["Delivery"] = []


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the oracle. `at` is the arrival in Unix seconds; `effect` whether something was stored or done.

    `outcome` is "ok", Slack's error code, or an HTTP status or "timeout" where no readable answer was given.
    """

    n: int
    at: float
    method: str
    args: JsonObject
    outcome: str
    effect: bool
    channel: str | None = None
    ts: str | None = None
    behaviour: str | None = None
    request_id: str
    elapsed_ms: float | None = None
    landed: int | None = None  # the call `n` whose effect came late


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    calls: list[Call]
    last: int  # pass it as `after` to read on


class FaultRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the matching calls go wrong, counted from now, and how.

    `nth` (1 = the next) and the `times` - 1 calls after it; or `every` so-manieth call, at most `times` of them.
    Methods beside Slack's: "response_url", "site.put", "effect.post", "clerk.users"; "*" is every Web API method.
    `stored` says if the behaviours hang, unreadable_body and error do what was asked (default: yes, yes, no).
    `retry_after` null: no header.
    """

    method: str
    behaviour: Behaviour
    nth: int = 1
    every: int | None = None
    times: int | None = None
    channel: str | None = None
    seconds: float = 5.0
    code: str = "internal_error"
    retry_after: int | None = 1
    stored: bool | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    request: FaultRequest
    seen: int
    fired: int


class SettingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Only what is given changes. `channel` with `bot_member` and/or `archived` changes that channel."""

    rate_limits: bool | None = None
    scopes: list[str] | None = None
    channel: str | None = None
    bot_member: bool | None = None
    archived: bool | None = None


class UserRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Only what is given changes; an id that nobody has makes a new person, who is in no channel."""

    id: str
    email: str | None = None
    team_id: str | None = None
    is_bot: bool | None = None
    deleted: bool | None = None
    is_restricted: bool | None = None
    is_ultra_restricted: bool | None = None
    is_stranger: bool | None = None
    is_email_confirmed: bool | None = None


class ViewSubmitRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`values`: block_id -> action_id -> text, the value of an option, or the values of several."""

    user: str
    view_id: str
    values: dict[str, dict[str, str | list[str] | None]] = {}


class ViewCloseRequest(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    view_id: str


class ViewClickRequest(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    view_id: str
    action_id: str
    block_id: str | None = None
    value: str | None = None
    values: dict[str, dict[str, str | list[str] | None]] = {}


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a submission. `errors`: block_id -> sentence; `delivery` null = it did not get as far as the app."""

    delivery: Delivery | None
    errors: dict[str, str] = {}
    shown: str | None = None


class ViewsSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What one person has before them: the modal that is open, the home that was published."""

    modal: JsonObject | None = None
    home: JsonObject | None = None


class SiteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`reset` restores first content and mode; `seconds` is the delay of mode `slow`."""

    reset: bool = False
    mode: SiteMode | None = None
    seconds: float | None = None


class SitePut(msgspec.Struct, frozen=True, kw_only=True):
    """One PUT that reached a dealer's site, whatever came of it. `effect` false = nothing changed."""

    n: int
    at: float
    dealer: str
    status: int
    effect: bool
    idempotency_key: str | None
    fence: str | None
    if_match: str | None
    etag: str
    document: JsonObject | None = None


class SiteView(msgspec.Struct, frozen=True, kw_only=True):
    dealer: str
    mode: SiteMode
    etag: str
    jsonld: str | None  # the text inside the page's script element; null = it has none
    original: str | None = None  # what it was when the site was new, or last reset
    puts: list[SitePut]


class EffectSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at an effect, from its arrival to its end. `key` is `<task>:<attempt>:<step>`.

    `status` is 200, 409 (a lower fence than was seen before), or 0: the caller left before it was done.
    """

    n: int
    name: str
    task: str
    key: str
    fence: int
    began_at: float
    ended_at: float
    status: int
    effect: bool


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What the control API answers with a 4xx status."""

    error: str
    message: str
