"""Slack's Web API at `/api/<method>`: who may call, what is called, within which rate, and what goes wrong."""

import asyncio
import secrets
import time
from collections.abc import Callable
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from opsloop_sandbox import chat, conversations, people
from opsloop_sandbox.access import require_scope
from opsloop_sandbox.arguments import Arguments, read_arguments
from opsloop_sandbox.calls import CallLog
from opsloop_sandbox.connection import TooLarge, read_body
from opsloop_sandbox.contract import Call, FaultRequest
from opsloop_sandbox.faults import Faults, stores
from opsloop_sandbox.json_value import JsonObject, as_text
from opsloop_sandbox.limits import RateLimits
from opsloop_sandbox.misbehaviour import misbehave, outcome_of, rate_limited
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.views import Views
from opsloop_sandbox.workspace import Workspace

Run = Callable[[Workspace, Arguments, float], JsonObject]


class Method(msgspec.Struct, frozen=True):
    run: Run
    scope: str | None = None
    writes: bool = False


METHODS = {
    "auth.test": Method(people.auth_test),
    "users.info": Method(people.users_info),
    "users.lookupByEmail": Method(people.users_lookup_by_email),
    "chat.postMessage": Method(chat.post_message, "chat:write", True),
    "chat.update": Method(chat.update_message, "chat:write", True),
    "chat.delete": Method(chat.delete_message, "chat:write", True),
    "chat.postEphemeral": Method(chat.post_ephemeral, "chat:write", True),
    "chat.getPermalink": Method(chat.get_permalink),
    "conversations.history": Method(conversations.history),
    "conversations.replies": Method(conversations.replies),
    "conversations.info": Method(conversations.info),
    "conversations.open": Method(conversations.open_direct, None, True),
}
LAGGING = {"conversations.history": conversations.history, "conversations.replies": conversations.replies}


class Incoming(msgspec.Struct, frozen=True):
    """One call as it arrived, `at` in Unix seconds."""

    method: str
    arguments: Arguments
    at: float
    request_id: str

    @property
    def channel(self) -> str:
        return as_text(self.arguments.values.get("channel"))


class Answer(msgspec.Struct, frozen=True):
    """What came of a call. `retry_after` above 0 = refused with 429."""

    body: JsonObject
    effect: bool = False
    retry_after: int = 0

    @property
    def outcome(self) -> str:
        return "ok" if self.body["ok"] else as_text(self.body["error"])


class WebApi:
    def __init__(
        self,
        *,
        workspace: Workspace,
        views: Views,
        calls: CallLog,
        limits: RateLimits,
        faults: Faults,
        bot_token: str,
    ) -> None:
        self._methods = METHODS | {
            "views.open": Method(views.open, None, True),
            "views.publish": Method(views.publish, None, True),
            "views.update": Method(views.update, None, True),
        }
        self._workspace = workspace
        self._calls = calls
        self._limits = limits
        self._faults = faults
        self._token = bot_token
        self._landings: set[asyncio.Task[None]] = set()

    async def endpoint(self, request: Request) -> Response:
        method = request.path_params["method"]
        at, request_id = time.time(), secrets.token_hex(16)
        arguments = Arguments({})
        try:
            body = await read_body(request)
            values = read_arguments(request.url.query, request.headers.get("content-type", ""), body)
            arguments = Arguments(values)
            self._admit(method, request.headers.get("authorization", ""), values)
        except (SlackError, TooLarge) as error:
            refusal = error if isinstance(error, SlackError) else SlackError("request_too_large")
            answer = Answer(refusal.body())
            self._record(Incoming(method, arguments, at, request_id), answer, None)
            return self._response(answer, request_id)
        return await self._answer(Incoming(method, arguments, at, request_id), request)

    def _admit(self, method: str, authorization: str, values: JsonObject) -> None:
        if method not in self._methods:
            raise SlackError("unknown_method", req_method=method)
        token = authorization.removeprefix("Bearer ").strip() or as_text(values.get("token"))
        if not token:
            raise SlackError("not_authed")
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            raise SlackError("invalid_auth")

    async def _answer(self, call: Incoming, request: Request) -> Response:
        fault = self._faults.strike(call.method, call.channel)
        if fault is not None and not stores(fault):
            self._record(call, None, fault)
            if fault.behaviour == "slow_landing":
                self._land_later(call, fault.seconds)
            return await misbehave(fault, None, request)
        answer = self._carry_out(call, fault)
        self._record(call, answer, fault)
        response = self._response(answer, call.request_id)
        return response if fault is None else await misbehave(fault, response, request)

    def _carry_out(self, call: Incoming, fault: FaultRequest | None) -> Answer:
        wait_seconds = self._limits.wait_seconds(call.method, call.channel, time.monotonic())
        if wait_seconds:
            return Answer(SlackError("ratelimited").body(), retry_after=wait_seconds)
        return self._run(call, fault)

    def _run(self, call: Incoming, fault: FaultRequest | None) -> Answer:
        method = self._methods[call.method]
        run = method.run
        if fault is not None and fault.behaviour == "history_lag" and call.method in LAGGING:
            run = partial(LAGGING[call.method], lag_seconds=fault.seconds)
        try:
            if method.scope is not None:
                require_scope(self._workspace, method.scope)
            return Answer(run(self._workspace, call.arguments, time.time()), effect=method.writes)
        except SlackError as error:
            return Answer(error.body())

    def _land_later(self, call: Incoming, seconds: float) -> None:
        """The request is still on its way inside Slack while its caller has already been told that it failed."""
        landed = self._calls.after(0)[-1].n

        async def land() -> None:
            await asyncio.sleep(seconds)
            self._record(call, self._run(call, None), None, landed=landed)

        task = asyncio.create_task(land())
        self._landings.add(task)
        task.add_done_callback(self._landings.discard)

    def _record(
        self, call: Incoming, answer: Answer | None, fault: FaultRequest | None, *, landed: int | None = None
    ) -> None:
        lost = "500" if fault is None else outcome_of(fault)
        body: JsonObject = {} if answer is None else answer.body
        self._calls.add(
            Call(
                n=0,
                at=call.at if landed is None else time.time(),
                method=call.method,
                args=call.arguments.values,
                outcome=lost if answer is None else answer.outcome,
                effect=answer is not None and answer.effect,
                channel=as_text(body.get("channel")) or call.channel or None,
                ts=as_text(body.get("ts")) or as_text(body.get("message_ts")) or None,
                behaviour=None if fault is None else fault.behaviour,
                request_id=call.request_id,
                landed=landed,
            ),
            answer=None if answer is None else answer.body,
        )

    def _response(self, answer: Answer, request_id: str) -> Response:
        response: Response = JSONResponse(answer.body)
        if answer.retry_after:
            response = rate_limited(answer.retry_after)
        response.headers["X-Slack-Req-Id"] = request_id
        response.headers["X-OAuth-Scopes"] = ",".join(self._workspace.scopes)
        return response
