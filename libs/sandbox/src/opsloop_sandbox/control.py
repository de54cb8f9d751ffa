"""The control API under `/control/…`: what a person or a test does to the workspace, and what they see of it."""

import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opsloop_sandbox import chat
from opsloop_sandbox.calls import CallLog
from opsloop_sandbox.content import Content
from opsloop_sandbox.contract import (
    Calls,
    ClickRequest,
    CommandRequest,
    DeleteRequest,
    EventRequest,
    FaultRequest,
    SeenMessages,
    SettingsRequest,
    SiteRequest,
    UserMessageRequest,
    UserRequest,
    WorkspaceView,
)
from opsloop_sandbox.effects import EFFECT_METHOD
from opsloop_sandbox.endpoint import Endpoint, for_neighbours, json_answer, number, read
from opsloop_sandbox.faults import Faults
from opsloop_sandbox.interactions import Interactions
from opsloop_sandbox.limits import RateLimits
from opsloop_sandbox.message_view import seen_by, seen_message
from opsloop_sandbox.records import APP_ID, BOT_ID, BOT_USER_ID, TEAM, Settings
from opsloop_sandbox.refusal import ControlRefusal, not_found
from opsloop_sandbox.response_urls import METHOD
from opsloop_sandbox.sites import PUT_METHOD, Sites
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.workspace import Workspace, channel_view

LONGEST_WAIT_SECONDS = 60.0


class Control:
    def __init__(
        self,
        *,
        workspace: Workspace,
        interactions: Interactions,
        calls: CallLog,
        faults: Faults,
        limits: RateLimits,
        sites: Sites,
    ) -> None:
        self._workspace = workspace
        self._interactions = interactions
        self._calls = calls
        self._faults = faults
        self._limits = limits
        self._sites = sites

    def routes(self) -> list[Route]:
        routes: list[tuple[str, Endpoint, str]] = [
            ("/control/workspace", self.show_workspace, "GET"),
            ("/control/commands", self.command, "POST"),
            ("/control/clicks", self.click, "POST"),
            ("/control/events", self.event, "POST"),
            ("/control/messages", self.list_messages, "GET"),
            ("/control/messages", self.say, "POST"),
            ("/control/messages/delete", self.delete_message, "POST"),
            ("/control/calls", self.list_calls, "GET"),
            ("/control/faults", self.list_faults, "GET"),
            ("/control/faults", self.add_fault, "POST"),
            ("/control/faults", self.clear_faults, "DELETE"),
            ("/control/settings", self.change_settings, "POST"),
            ("/control/users", self.change_user, "POST"),
            ("/control/sites/{dealer}", self.show_site, "GET"),
            ("/control/sites/{dealer}", self.change_site, "POST"),
        ]
        return [Route(path, for_neighbours(endpoint), methods=[verb]) for path, endpoint, verb in routes]

    async def show_workspace(self, request: Request) -> Response:
        return json_answer(self._view())

    def _view(self) -> WorkspaceView:
        return WorkspaceView(
            team=TEAM,
            app_id=APP_ID,
            bot_user_id=BOT_USER_ID,
            bot_id=BOT_ID,
            users=[user for user in self._workspace.users.values() if not user.is_bot],
            channels=[channel_view(channel) for channel in self._workspace.channels.values()],
            scopes=list(self._workspace.scopes),
            rate_limits=self._limits.enabled,
        )

    async def command(self, request: Request) -> Response:
        return json_answer(await self._interactions.command(await read(request, CommandRequest)))

    async def click(self, request: Request) -> Response:
        return json_answer(await self._interactions.click(await read(request, ClickRequest)))

    async def event(self, request: Request) -> Response:
        return json_answer(await self._interactions.event(await read(request, EventRequest)))

    async def list_messages(self, request: Request) -> Response:
        user = self._interactions.user(request.query_params.get("user", ""))
        channel = self._interactions.channel_of(user, request.query_params.get("channel", ""))
        return json_answer(SeenMessages(channel=channel.id, messages=seen_by(self._workspace, user.id, channel.id)))

    async def say(self, request: Request) -> Response:
        wanted = await read(request, UserMessageRequest)
        user = self._interactions.user(wanted.user)
        channel = self._interactions.channel_of(user, wanted.channel)
        content = Content(text=wanted.text, blocks=None, attachments=None, metadata=wanted.metadata)
        try:
            thread_ts = chat.parent_ts(self._workspace, channel.id, wanted.thread_ts or "")
        except SlackError as error:
            raise not_found(error.code, "the thread to reply in") from error
        message = chat.new_message(self._workspace, channel.id, content, time.time(), user=user.id, thread_ts=thread_ts)
        return json_answer(seen_message(self._workspace, message, user.id))

    async def delete_message(self, request: Request) -> Response:
        wanted = await read(request, DeleteRequest)
        message = self._workspace.message(wanted.channel, wanted.ts)
        if message is None or message.tombstone:
            raise not_found("message_not_found", f"no message {wanted.ts} in {wanted.channel}")
        chat.take_away(self._workspace, message)
        return json_answer({"ok": True})

    async def list_calls(self, request: Request) -> Response:
        after = number(request, "after")
        wait_seconds = min(number(request, "wait_ms") / 1000, LONGEST_WAIT_SECONDS)
        calls = await self._calls.wait_after(after, wait_seconds) if wait_seconds > 0 else self._calls.after(after)
        return json_answer(Calls(calls=calls, last=calls[-1].n if calls else after))

    async def list_faults(self, request: Request) -> Response:
        return json_answer(self._faults.all())

    async def add_fault(self, request: Request) -> Response:
        wanted = await read(request, FaultRequest)
        if wanted.behaviour == "slow_landing" and wanted.method in (METHOD, PUT_METHOD, EFFECT_METHOD):
            raise ControlRefusal(400, "invalid_request", "slow_landing is for Web API methods")
        return json_answer(self._faults.add(wanted))

    async def clear_faults(self, request: Request) -> Response:
        self._faults.clear()
        return json_answer({"ok": True})

    async def change_settings(self, request: Request) -> Response:
        wanted = await read(request, SettingsRequest)
        if wanted.channel is not None:
            channel = self._workspace.channels.get(wanted.channel)
            if channel is None:
                raise not_found("channel_not_found", f"no channel {wanted.channel!r} in the workspace")
            self._workspace.set_membership(channel, bot_member=wanted.bot_member, archived=wanted.archived)
        if wanted.scopes is not None:
            self._workspace.save(Settings(scopes=tuple(wanted.scopes)))
        if wanted.rate_limits is not None:
            self._limits.enabled = wanted.rate_limits
        return json_answer(self._view())

    async def change_user(self, request: Request) -> Response:
        return json_answer(self._workspace.change_user(await read(request, UserRequest)))

    async def show_site(self, request: Request) -> Response:
        return json_answer(self._sites.view(request.path_params["dealer"]))

    async def change_site(self, request: Request) -> Response:
        dealer = request.path_params["dealer"]
        self._sites.change(dealer, await read(request, SiteRequest))
        return json_answer(self._sites.view(dealer))
