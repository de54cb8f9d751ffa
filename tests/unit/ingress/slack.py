"""Requests as Slack makes them, for the tests of ingress."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode

from opsloop_common import buttons
from opsloop_common.buttons import Pointer
from opsloop_ingress.rules import Rules

SIGNING_SECRET = "a-signing-secret-of-the-tests"
BUTTON_SECRET = "a-button-secret-of-the-tests"
NOW = 1_790_000_000
ASKED_AT = datetime.fromtimestamp(NOW, UTC)
TASK = Pointer("07-abcdefghijklmnopqrst", 12)
RULES = Rules(button_secrets=(BUTTON_SECRET,))

Json = dict[str, object]


def signature(body: bytes, timestamp: str = str(NOW), secret: str = SIGNING_SECRET) -> str:
    message = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def command_fields(text: str = "", **changes: str) -> dict[str, str]:
    return {
        "token": "deprecated",
        "team_id": "T0OPSLOOP",
        "team_domain": "opsloop",
        "channel_id": "C0OPS",
        "channel_name": "ops",
        "user_id": "U0ALICE",
        "user_name": "alice",
        "command": "/dealershipai",
        "text": text,
        "api_app_id": "A0OPSLOOP",
        "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.com/commands/T0OPSLOOP/1/secret",
        "trigger_id": "123.456.abcdef",
        **changes,
    }


def command(text: str = "", **changes: str) -> bytes:
    return urlencode(command_fields(text, **changes)).encode()


def button(action_id: str, value: str | None = None, **changes: object) -> Json:
    """An entry of `actions`; without a value, one that this installation signed."""
    signed = buttons.write((BUTTON_SECRET,), TASK)
    return {
        "type": "button",
        "action_id": action_id,
        "block_id": "b",
        "text": {"type": "plain_text", "text": "Retry \N{COLLISION SYMBOL}", "emoji": True},
        "value": signed if value is None else value,
        "action_ts": "1790000000.000100",
        **changes,
    }


def click_payload(*actions: Json, **changes: object) -> Json:
    return {
        "type": "block_actions",
        "team": {"id": "T0OPSLOOP", "domain": "opsloop"},
        "user": {"id": "U0ALICE", "username": "alice", "team_id": "T0OPSLOOP"},
        "api_app_id": "A0OPSLOOP",
        "container": {"type": "message", "message_ts": "1789999999.000200", "channel_id": "C0OPS"},
        "trigger_id": "123.456.abcdef",
        "enterprise": None,
        "channel": {"id": "C0OPS", "name": "ops"},
        "state": {"values": {}},
        "response_url": "https://hooks.slack.com/actions/T0OPSLOOP/1/secret",
        "actions": list(actions),
        "message": {"ts": "1789999999.000200", "text": "a & b = 100 %"},
        **changes,
    }


def click(*actions: Json, **changes: object) -> bytes:
    return form({"payload": json.dumps(click_payload(*actions, **changes))})


def read_payload(body: bytes) -> object:
    """The payload in the body of an interaction."""
    return json.loads(parse_qs(body.decode())["payload"][0])


def form(fields: Mapping[str, str]) -> bytes:
    return urlencode(fields).encode()


def event(type: str = "event_callback", **changes: object) -> bytes:
    envelope: Json = {
        "type": type,
        "team_id": "T0OPSLOOP",
        "api_app_id": "A0OPSLOOP",
        "event": {"type": "app_home_opened", "user": "U0ALICE", "tab": "messages"},
        "event_id": "Ev1",
    }
    return json.dumps(envelope | changes).encode()
