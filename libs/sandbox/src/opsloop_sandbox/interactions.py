"""What the workspace's people do with the app: type commands, click buttons, open its home."""

import secrets
import time

import msgspec

from opsloop_sandbox import chat
from opsloop_sandbox.content import Content
from opsloop_sandbox.contract import ClickRequest, CommandRequest, Delivery, EventRequest, User
from opsloop_sandbox.delivery import FORM, Courier, Parcel
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.message_view import api_message, public_replies
from opsloop_sandbox.payloads import Click, action_of, click_body, command_body, event_body, find_action
from opsloop_sandbox.records import SLACKBOT, Channel, Message
from opsloop_sandbox.refusal import ControlRefusal, not_found
from opsloop_sandbox.response_urls import ResponseUrls
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.triggers import Triggers
from opsloop_sandbox.workspace import Workspace

CLICK_WARNING = "The app did not respond to the click: {reason}"


class Interactions:
    def __init__(
        self,
        *,
        workspace: Workspace,
        response_urls: ResponseUrls,
        courier: Courier,
        triggers: Triggers,
        base_url: str,
    ) -> None:
        self._triggers = triggers
        self._workspace = workspace
        self._response_urls = response_urls
        self._courier = courier
        self._base_url = base_url

    def user(self, user_id: str) -> User:
        user = self._workspace.users.get(user_id)
        if user is None or user.is_bot:
            raise not_found("user_not_found", f"no person {user_id!r} in the workspace")
        return user

    def channel_of(self, user: User, channel_id: str) -> Channel:
        """The channel if the user is in it; "@me" is the user's conversation with the app."""
        if channel_id == "@me":
            return self._workspace.direct_channel(user.id)
        channel = self._workspace.channels.get(channel_id)
        if channel is None:
            raise not_found("channel_not_found", f"no channel {channel_id!r} in the workspace")
        if user.id not in channel.members:
            raise ControlRefusal(403, "not_in_channel", f"{user.id} is not in {channel_id}")
        return channel

    async def command(self, request: CommandRequest) -> Delivery:
        """Sends a slash command and shows what came back: the app's words, or Slack's about its failure."""
        user = self.user(request.user)
        channel = self.channel_of(user, request.channel)
        token = self._response_urls.issue(user.id, channel.id, None, time.time())
        trigger_id = self._triggers.issue(user.id, time.time())
        response_url = f"{self._base_url}/response/{token}"
        parcel = Parcel(
            method="deliver.command",
            path="/slack/commands",
            body=command_body(request, user, channel, trigger_id, response_url),
            content_type=FORM,
            args={"user": user.id, "command": request.command, "text": request.text, "trigger_id": trigger_id},
            channel=channel.id,
            repeat=request.repeat,
        )
        delivery = await self._courier.deliver(parcel)
        for answer in (delivery, *delivery.repeats):
            if answer.shown is None:
                self._show_answer(token, answer.body)
        shown = None
        if delivery.shown is not None:
            shown = f'{request.command} failed with the error "{delivery.shown}"'
            self._tell(user, channel, shown)
        return msgspec.structs.replace(delivery, shown=shown, trigger_id=trigger_id, response_url=response_url)

    def _tell(self, user: User, channel: Channel, text: str) -> None:
        content = Content(text=text, blocks=None, attachments=None, metadata=None)
        chat.new_message(self._workspace, channel.id, content, time.time(), user=SLACKBOT, only_for=user.id)

    def _show_answer(self, token: str, body: str) -> None:
        """The body of the 200: nothing, text, or a message. What Slack could not read, it does not show."""
        if not body.strip():
            return
        values: JsonObject = {"text": body}
        try:
            decoded: object = msgspec.json.decode(body)
            values = decoded if isinstance(decoded, dict) else values
        except msgspec.DecodeError:
            pass
        try:
            self._response_urls.show(self._response_urls.issued(token), values, time.time())
        except SlackError:
            return

    async def click(self, request: ClickRequest) -> Delivery:
        """Sends a click on a message that the user sees; if it fails, a warning stands on the message for that user."""
        user = self.user(request.user)
        channel = self.channel_of(user, request.channel)
        message = self._visible_message(user, channel, request.message_ts)
        element = find_action(message.blocks, request.action_id, request.block_id)
        if element is None:
            element = _forged(request)
        token = self._response_urls.issue(user.id, channel.id, message.ts, time.time())
        action_ts = f"{time.time():.6f}"
        click = Click(
            user=user,
            channel=channel,
            message=message,
            shown=api_message(message, public_replies(self._workspace, message), with_metadata=True),
            action=action_of(element, request.value, action_ts),
            trigger_id=self._triggers.issue(user.id, time.time()),
            response_url=f"{self._base_url}/response/{token}",
        )
        delivery = await self._courier.deliver(_click_parcel(click, request.repeat))
        shown = None
        if delivery.shown is not None:
            shown = CLICK_WARNING.format(reason=delivery.shown)
            self._warn(user, message, shown)
        return msgspec.structs.replace(
            delivery, shown=shown, trigger_id=click.trigger_id, action_ts=action_ts, response_url=click.response_url
        )

    def _visible_message(self, user: User, channel: Channel, ts: str) -> Message:
        message = self._workspace.message(channel.id, ts)
        if message is None or message.tombstone or message.only_for not in (None, user.id):
            raise not_found("message_not_found", f"{user.id} sees no message {ts} in {channel.id}")
        return message

    def _warn(self, user: User, message: Message, text: str) -> None:
        current = self._workspace.message(message.channel, message.ts)
        if current is not None:
            notices = {**current.notices, user.id: [*current.notices.get(user.id, []), text]}
            self._workspace.save(msgspec.structs.replace(current, notices=notices))

    async def event(self, request: EventRequest) -> Delivery:
        event_id = "Ev" + secrets.token_hex(5).upper()
        parcel = Parcel(
            method="deliver.event",
            path="/slack/events",
            body=event_body(request, event_id, time.time()),
            content_type="application/json",
            args={"type": request.type, "event_id": event_id, "user": request.user},
        )
        return await self._courier.deliver(parcel)


def _forged(request: ClickRequest) -> JsonObject:
    """A button that the message does not have, if the click says what it would carry."""
    if request.value is None:
        raise not_found("action_not_found", f"no element {request.action_id!r} in message {request.message_ts}")
    return {
        "type": "button",
        "action_id": request.action_id,
        "block_id": request.block_id or "forged",
        "text": {"type": "plain_text", "text": request.action_id},
    }


def _click_parcel(click: Click, repeat: int) -> Parcel:
    return Parcel(
        method="deliver.click",
        path="/slack/interactions",
        body=click_body(click),
        content_type=FORM,
        args={
            "user": click.user.id,
            "message_ts": click.message.ts,
            "action_id": click.action["action_id"],
            "block_id": click.action["block_id"],
            "value": click.action.get("value"),
            "action_ts": click.action["action_ts"],
            "trigger_id": click.trigger_id,
        },
        channel=click.channel.id,
        repeat=repeat,
    )
