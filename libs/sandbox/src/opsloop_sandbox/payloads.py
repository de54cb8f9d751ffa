"""The bodies Slack sends to an app: slash commands, clicks, events.

https://docs.slack.dev/interactivity/implementing-slash-commands,
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from urllib.parse import urlencode

import msgspec

from opsloop_sandbox.contract import CommandRequest, EventRequest, User
from opsloop_sandbox.json_value import JsonObject, walk
from opsloop_sandbox.records import APP_ID, BOT_USER_ID, TEAM, TEAM_DOMAIN, Channel, Message

VERIFICATION_TOKEN = "sandbox-verification-token"  # noqa: S105  # deprecated by Slack, sent by it nonetheless


class Click(msgspec.Struct, frozen=True, kw_only=True):
    """A click that is about to be sent."""

    user: User
    channel: Channel
    message: Message
    shown: JsonObject  # the message as Slack puts it into the payload
    action: JsonObject
    trigger_id: str
    response_url: str


def command_body(request: CommandRequest, user: User, channel: Channel, trigger_id: str, response_url: str) -> bytes:
    return urlencode(
        {
            "token": VERIFICATION_TOKEN,
            "team_id": TEAM,
            "team_domain": TEAM_DOMAIN,
            "channel_id": channel.id,
            "channel_name": _channel_name(channel),
            "user_id": user.id,
            "user_name": user.name,
            "command": request.command,
            "text": request.text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": trigger_id,
        }
    ).encode()


def _channel_name(channel: Channel) -> str:
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name


def find_action(blocks: list[JsonObject], action_id: str, block_id: str | None) -> JsonObject | None:
    """The element with this action id, together with its block's id; the first one if several have it."""
    for block in walk(blocks):
        if "block_id" not in block or block_id not in (None, block["block_id"]):
            continue
        for element in walk([block.get("elements"), block.get("accessory")]):
            if element.get("action_id") == action_id:
                return {**element, "block_id": block["block_id"]}
    return None


def action_of(element: JsonObject, value: str | None, action_ts: str) -> JsonObject:
    """The entry of `actions` for a click; of a select, `value` names the option."""
    action: JsonObject = {
        name: element[name] for name in ("action_id", "block_id", "type", "text", "style", "url") if name in element
    }
    action["action_ts"] = action_ts
    if "options" in element:
        options = [option for option in walk(element["options"]) if option.get("value") == value]
        action["selected_option"] = options[0] if options else {"value": value}
    elif value is not None or "value" in element:
        action["value"] = element.get("value") if value is None else value
    return action


def click_body(click: Click) -> bytes:
    """The form field `payload`. An ephemeral message is only named: Slack does not send its content."""
    container: JsonObject = {
        "type": "message",
        "message_ts": click.message.ts,
        "channel_id": click.channel.id,
        "is_ephemeral": click.message.only_for is not None,
    }
    if click.message.is_reply:
        container["thread_ts"] = click.message.thread_ts
    payload: JsonObject = {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "user": {"id": click.user.id, "username": click.user.name, "name": click.user.name, "team_id": TEAM},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "container": container,
        "trigger_id": click.trigger_id,
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": click.channel.id, "name": _channel_name(click.channel)},
        "state": {"values": {}},
        "response_url": click.response_url,
        "actions": [click.action],
    }
    if click.message.only_for is None:
        payload["message"] = click.shown
    return urlencode({"payload": msgspec.json.encode(payload).decode()}).encode()


def view_body(user: User, view: JsonObject, more: JsonObject) -> bytes:
    """The form field `payload` of what happens in a view: `more` says what it is."""
    payload: JsonObject = {
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
        "view": view,
        **more,
    }
    return urlencode({"payload": msgspec.json.encode(payload).decode()}).encode()


def event_body(request: EventRequest, event_id: str, now: float) -> bytes:
    """`url_verification`, or an event in its envelope. `now` in Unix seconds."""
    if request.type == "url_verification":
        challenge: JsonObject = {"token": VERIFICATION_TOKEN, "challenge": event_id, "type": request.type}
        return msgspec.json.encode(challenge | request.event)
    event: JsonObject = {"type": request.type, "event_ts": f"{now:.6f}"}
    if request.user is not None:
        event["user"] = request.user
    if request.type == "app_home_opened":
        event |= {"tab": "home", "channel": "D" + (request.user or "U0ALICE")[1:]}
    envelope: JsonObject = {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "api_app_id": APP_ID,
        "event": event | request.event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(now),
        "authorizations": [
            {"enterprise_id": None, "team_id": TEAM, "user_id": BOT_USER_ID, "is_bot": True}
            | {"is_enterprise_install": False}
        ],
        "is_ext_shared_channel": False,
    }
    return msgspec.json.encode(envelope)
