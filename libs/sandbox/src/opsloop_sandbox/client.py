"""A client of the sandbox's control API, for tests and for the demo's own check."""

from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import msgspec

from opsloop_sandbox.clerk_contract import ClerkEmail, ClerkUser, ClerkUserRequest
from opsloop_sandbox.contract import (
    Behaviour,
    Call,
    Calls,
    ClickRequest,
    CommandRequest,
    DeleteRequest,
    Delivery,
    EffectSeen,
    EventRequest,
    Fault,
    FaultRequest,
    Refusal,
    SeenMessage,
    SeenMessages,
    SettingsRequest,
    SiteMode,
    SiteRequest,
    SiteView,
    Submission,
    User,
    UserMessageRequest,
    UserRequest,
    ViewClickRequest,
    ViewCloseRequest,
    ViewsSeen,
    ViewSubmitRequest,
    WorkspaceView,
)
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.socket_contract import Goodbye, SocketsRequest, SocketsView

Answer = TypeVar("Answer")


class ControlError(Exception):
    """The sandbox refused: `code` says why."""

    def __init__(self, status: int, refusal: Refusal) -> None:
        super().__init__(f"{status} {refusal.error}: {refusal.message}")
        self.status = status
        self.code = refusal.error


class SandboxClient:
    """Use as `async with SandboxClient("http://127.0.0.1:8090") as sandbox:`.

    Every method raises ControlError when the sandbox refuses, aiohttp.ClientError when it cannot be reached.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120), trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL and slack_sdk's base_url want."""
        return f"{self.base_url}/api/"

    @property
    def clerk_url(self) -> str:
        """What CLERK_API_URL and the server_url of Clerk's SDK want."""
        return f"{self.base_url}/clerk/v1"

    async def workspace(self) -> WorkspaceView:
        return await self._get("/control/workspace", {}, WorkspaceView)

    async def command(
        self, user: str, channel: str, text: str = "", *, command: str = "/dealershipai", repeat: int = 1
    ) -> Delivery:
        """Types a slash command; returns when the app has answered or Slack would have given up."""
        request = CommandRequest(user=user, channel=channel, text=text, command=command, repeat=repeat)
        return await self._post("/control/commands", request, Delivery)

    async def click(
        self,
        user: str,
        channel: str,
        message_ts: str,
        action_id: str,
        *,
        value: str | None = None,
        block_id: str | None = None,
        repeat: int = 1,
    ) -> Delivery:
        """Clicks a button of a message that the user sees; with `value`, as a forger would."""
        request = ClickRequest(
            user=user,
            channel=channel,
            message_ts=message_ts,
            action_id=action_id,
            value=value,
            block_id=block_id,
            repeat=repeat,
        )
        return await self._post("/control/clicks", request, Delivery)

    async def event(self, type: str, *, user: str | None = None, event: JsonObject | None = None) -> Delivery:
        return await self._post("/control/events", EventRequest(type=type, user=user, event=event or {}), Delivery)

    async def views(self, user: str) -> ViewsSeen:
        """The modal that is open for the user, and the home that was published."""
        return await self._get("/control/views", {"user": user}, ViewsSeen)

    async def submit(
        self, user: str, view_id: str, values: dict[str, dict[str, str | list[str] | None]] | None = None
    ) -> Submission:
        """Fills in a modal and submits it; `values`: block_id -> action_id -> what was filled in."""
        request = ViewSubmitRequest(user=user, view_id=view_id, values=values or {})
        return await self._post("/control/views/submit", request, Submission)

    async def close_view(self, user: str, view_id: str) -> Delivery | None:
        """Closes a modal; None unless the app wanted to be told."""
        request = ViewCloseRequest(user=user, view_id=view_id)
        [delivery] = await self._post("/control/views/close", request, list[Delivery | None])
        return delivery

    async def click_in_view(self, user: str, view_id: str, action_id: str) -> Delivery:
        request = ViewClickRequest(user=user, view_id=view_id, action_id=action_id)
        return await self._post("/control/views/click", request, Delivery)

    async def messages(self, user: str, channel: str = "C0OPS") -> list[SeenMessage]:
        """What the user sees in the channel, oldest first; channel "@me" is the user's conversation with the app."""
        seen = await self._get("/control/messages", {"user": user, "channel": channel}, SeenMessages)
        return seen.messages

    async def say(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> SeenMessage:
        """A user writes a message."""
        request = UserMessageRequest(user=user, channel=channel, text=text, thread_ts=thread_ts)
        return await self._post("/control/messages", request, SeenMessage)

    async def delete_message(self, channel: str, ts: str, *, user: str | None = None) -> None:
        await self._post("/control/messages/delete", DeleteRequest(channel=channel, ts=ts, user=user), JsonObject)

    async def calls(self, after: int = 0, *, wait_ms: int = 0) -> list[Call]:
        """The oracle's lines after `after`; waits up to `wait_ms` for one if there is none."""
        found = await self._get("/control/calls", {"after": str(after), "wait_ms": str(wait_ms)}, Calls)
        return found.calls

    async def fault(
        self,
        method: str,
        behaviour: Behaviour,
        *,
        nth: int = 1,
        every: int | None = None,
        times: int | None = None,
        channel: str | None = None,
        seconds: float = 5.0,
        code: str = "internal_error",
        retry_after: int | None = 1,
        stored: bool | None = None,
    ) -> Fault:
        """Makes calls of a method go wrong; see `contract.FaultRequest`."""
        request = FaultRequest(
            method=method,
            behaviour=behaviour,
            nth=nth,
            every=every,
            times=times,
            channel=channel,
            seconds=seconds,
            code=code,
            retry_after=retry_after,
            stored=stored,
        )
        return await self._post("/control/faults", request, Fault)

    async def faults(self) -> list[Fault]:
        return await self._get("/control/faults", {}, list[Fault])

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "/control/faults", {}, None, JsonObject)

    async def settings(
        self,
        *,
        rate_limits: bool | None = None,
        scopes: list[str] | None = None,
        channel: str | None = None,
        bot_member: bool | None = None,
        archived: bool | None = None,
    ) -> WorkspaceView:
        request = SettingsRequest(
            rate_limits=rate_limits, scopes=scopes, channel=channel, bot_member=bot_member, archived=archived
        )
        return await self._post("/control/settings", request, WorkspaceView)

    async def change_user(
        self,
        id: str,
        *,
        email: str | None = None,
        team_id: str | None = None,
        is_bot: bool | None = None,
        deleted: bool | None = None,
        is_restricted: bool | None = None,
        is_ultra_restricted: bool | None = None,
        is_stranger: bool | None = None,
        is_email_confirmed: bool | None = None,
    ) -> User:
        """Changes somebody in Slack, or adds somebody."""
        request = UserRequest(
            id=id,
            email=email,
            team_id=team_id,
            is_bot=is_bot,
            deleted=deleted,
            is_restricted=is_restricted,
            is_ultra_restricted=is_ultra_restricted,
            is_stranger=is_stranger,
            is_email_confirmed=is_email_confirmed,
        )
        return await self._post("/control/users", request, User)

    async def clerk_users(self) -> list[ClerkUser]:
        return await self._get("/control/clerk/users", {}, list[ClerkUser])

    async def change_clerk_user(
        self,
        id: str,
        *,
        emails: tuple[ClerkEmail, ...] | None = None,
        banned: bool | None = None,
        locked: bool | None = None,
        deprovisioned: bool | None = None,
        removed: bool = False,
    ) -> list[ClerkUser]:
        """Changes somebody at the identity provider, adds or removes somebody; everybody who is there then."""
        request = ClerkUserRequest(
            id=id, emails=emails, banned=banned, locked=locked, deprovisioned=deprovisioned, removed=removed
        )
        return await self._post("/control/clerk/users", request, list[ClerkUser])

    async def site(self, dealer: str) -> SiteView:
        return await self._get(f"/control/sites/{dealer}", {}, SiteView)

    async def change_site(
        self, dealer: str, *, reset: bool = False, mode: SiteMode | None = None, seconds: float | None = None
    ) -> SiteView:
        request = SiteRequest(reset=reset, mode=mode, seconds=seconds)
        return await self._post(f"/control/sites/{dealer}", request, SiteView)

    @property
    def effects_url(self) -> str:
        """Where a task takes effects that are counted: append a name."""
        return f"{self.base_url}/effects/"

    async def effects(self, name: str = "") -> list[EffectSeen]:
        """What was asked of the effect server, refusals included, in the order of the ends; all, or under one name."""
        seen = await self._get("/control/effects", {}, list[EffectSeen])
        return [one for one in seen if name in ("", one.name)]

    async def sockets(self) -> SocketsView:
        return await self._get("/control/sockets", {}, SocketsView)

    async def disconnect_sockets(self, reason: Goodbye = "refresh_requested") -> SocketsView:
        """Slack says goodbye to every Socket Mode connection."""
        return await self._post("/control/sockets", SocketsRequest(do="disconnect", reason=reason), SocketsView)

    async def drop_sockets(self) -> SocketsView:
        """Every Socket Mode connection breaks without a word."""
        return await self._post("/control/sockets", SocketsRequest(do="drop"), SocketsView)

    async def _get(self, path: str, query: dict[str, str], answer_type: type[Answer]) -> Answer:
        return await self._ask("GET", path, query, None, answer_type)

    async def _post(self, path: str, request: msgspec.Struct, answer_type: type[Answer]) -> Answer:
        return await self._ask("POST", path, {}, msgspec.json.encode(request), answer_type)

    async def _ask(
        self, verb: str, path: str, query: dict[str, str], body: bytes | None, answer_type: type[Answer]
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("use SandboxClient with `async with`")
        async with self._session.request(verb, self.base_url + path, params=query, data=body) as response:
            payload = await response.read()
            if response.status >= 400:
                raise ControlError(response.status, _refusal(payload))
            return msgspec.json.decode(payload, type=answer_type)


def _refusal(payload: bytes) -> Refusal:
    try:
        return msgspec.json.decode(payload, type=Refusal)
    except msgspec.DecodeError:
        return Refusal(error="unreadable", message=payload[:200].decode(errors="replace"))
