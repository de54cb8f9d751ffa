"""What arrives on a Socket Mode connection: a greeting, a goodbye, or an envelope with a payload. Pure.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import re

import msgspec

from opsloop_ingress import document
from opsloop_ingress.asked import Kind
from opsloop_ingress.refusal import Refused

KINDS: dict[str, Kind] = {"slash_commands": "command", "interactive": "interaction", "events_api": "event"}

_ENVELOPE_ID = re.compile(r"[!-~]{1,200}")
_REASON = re.compile(r"[a-z_]{1,50}")


class Hello(msgspec.Struct, frozen=True):
    """The connection is in use from now on."""


class Goodbye(msgspec.Struct, frozen=True):
    """Slack is about to close the connection: "warning", "refresh_requested", "link_disabled" …"""

    reason: str


class Envelope(msgspec.Struct, frozen=True):
    """`payload` is JSON text, not yet looked at; `id` is what an acknowledgement names."""

    id: str
    kind: Kind
    payload: str


class _Frame(msgspec.Struct, frozen=True):
    type: str
    envelope_id: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"")
    reason: str = ""


def read(text: str) -> Hello | Goodbye | Envelope:
    """Raises Refused."""
    frame = document.decode(text, _Frame)
    match frame.type:
        case "hello":
            return Hello()
        case "disconnect":
            return Goodbye(frame.reason if _REASON.fullmatch(frame.reason) else "unknown")
        case "slash_commands" | "interactive" | "events_api":
            if _ENVELOPE_ID.fullmatch(frame.envelope_id) is None:
                raise Refused("shape")
            return Envelope(frame.envelope_id, KINDS[frame.type], bytes(frame.payload).decode())
    raise Refused("wrong_kind")


def acknowledgement(envelope: Envelope, payload: bytes = b"") -> str:
    """With what HTTP would answer in its body (JSON): which fields of a form are wrong. All else comes otherwise."""
    found: dict[str, object] = {"envelope_id": envelope.id}
    if payload:
        found["payload"] = msgspec.Raw(payload)
    return msgspec.json.encode(found).decode()
