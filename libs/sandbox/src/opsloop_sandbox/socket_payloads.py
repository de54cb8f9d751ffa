"""A request to the app as Socket Mode carries it: an envelope around a JSON object instead of a signed form.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from urllib.parse import parse_qsl

import msgspec

from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.records import APP_ID

TYPES = {
    "/slack/commands": "slash_commands",
    "/slack/interactions": "interactive",
    "/slack/events": "events_api",
}
ANSWERED_WITH_PAYLOAD = ("view_submission", "block_suggestion")


def hello(connections: int) -> JsonObject:
    """The greeting; the approximate connection time is in seconds."""
    return {
        "type": "hello",
        "num_connections": connections,
        "connection_info": {"app_id": APP_ID},
        "debug_info": {"host": "applink-sandbox", "build_number": 0, "approximate_connection_time": 18060},
    }


def goodbye(reason: str) -> JsonObject:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sandbox"}}


def payload_of(path: str, body: bytes) -> JsonObject:
    """The payload of what HTTP would bring to `path` as `body`."""
    if path == "/slack/events":
        return msgspec.json.decode(body, type=JsonObject)
    fields: JsonObject = dict(parse_qsl(body.decode(), keep_blank_values=True))
    if path == "/slack/commands":
        return fields
    return msgspec.json.decode(str(fields["payload"]), type=JsonObject)


def envelope(path: str, payload: JsonObject, envelope_id: str) -> JsonObject:
    kind = TYPES[path]
    takes_payload = kind == "slash_commands" or payload.get("type") in ANSWERED_WITH_PAYLOAD
    found: JsonObject = {
        "envelope_id": envelope_id,
        "type": kind,
        "accepts_response_payload": takes_payload,
        "payload": payload,
    }
    return found | ({"retry_attempt": 0, "retry_reason": ""} if kind == "events_api" else {})
