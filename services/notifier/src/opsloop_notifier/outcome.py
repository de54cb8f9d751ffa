"""What came of a call to Slack, sorted by what to do next.

    Sent         it is done
    Limited      not now, and nothing on this lane for so long; not an attempt
    Unsent       it did not reach Slack or Slack did nothing: again, later
    Ambiguous    done or not: an update is repeated, a post is looked for first
    Dead         this destination will not take it
    Malformed    Slack refuses the content: once more in plain text
    Gone         the message (or its thread's parent) is no longer there or may no longer be changed
    Locked       the token is not valid (any more): nothing can be sent

https://docs.slack.dev/reference/methods/chat.postMessage#errors and the pages of the other methods.
"""

from typing import TypeAlias

import msgspec


class Sent(msgspec.Struct, frozen=True):
    """`channel` and `ts` are those of the message; empty for what has none (ephemeral messages).

    `thread_ts` is the thread it stands in, empty for a top-level message; None when Slack did not say.
    """

    channel: str = ""
    ts: str = ""
    thread_ts: str | None = None


class Limited(msgspec.Struct, frozen=True):
    seconds: float


class Unsent(msgspec.Struct, frozen=True):
    reason: str


class Ambiguous(msgspec.Struct, frozen=True):
    reason: str


class Dead(msgspec.Struct, frozen=True):
    error: str


class Malformed(msgspec.Struct, frozen=True):
    """`details` are Slack's own words, with the JSON pointer."""

    error: str
    details: str


class Gone(msgspec.Struct, frozen=True):
    error: str


class Locked(msgspec.Struct, frozen=True):
    error: str


NotSent: TypeAlias = Limited | Unsent | Ambiguous | Dead | Malformed | Gone | Locked
Outcome: TypeAlias = Sent | NotSent

DEFAULT_PAUSE_SECONDS = 5.0

RATE = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
AMBIGUOUS = frozenset({"internal_error", "fatal_error", "service_unavailable"})
NOTHING_DONE = frozenset(
    {"request_timeout", "team_added_to_org", "org_login_required", "external_channel_migrating", "update_failed",
     "streaming_state_conflict"}
)  # fmt: skip
LOCKED = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "team_access_not_granted",
     "access_denied", "two_factor_setup_required"}
)  # fmt: skip
MALFORMED = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "msg_too_large", "no_text",
     "invalid_arguments", "invalid_arg_name", "metadata_too_large", "invalid_metadata_format",
     "invalid_metadata_schema", "markdown_text_conflict", "too_many_attachments", "block_mismatch"}
)  # fmt: skip
GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "cannot_reply_to_message"}
)


def of_error(code: str, *, retry_after_seconds: float | None, details: str) -> NotSent:
    """What an answer `ok: false` means. A code nobody knows is taken as a refusal: repeating it helps nobody."""
    if code in RATE:
        return Limited(DEFAULT_PAUSE_SECONDS if retry_after_seconds is None else retry_after_seconds)
    if code in AMBIGUOUS:
        return Ambiguous(code)
    if code in NOTHING_DONE:
        return Unsent(code)
    if code in LOCKED:
        return Locked(code)
    if code in MALFORMED:
        return Malformed(code, details)
    if code in GONE:
        return Gone(code)
    return Dead(code)
