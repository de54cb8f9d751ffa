"""response_url: a short-lived way to answer one command or click, without a token.

Five uses within 30 minutes; works where the bot is no member.
https://docs.slack.dev/interactivity/handling-user-interaction
"""

import secrets
import time
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from opsloop_sandbox import chat
from opsloop_sandbox.arguments import Arguments, read_arguments
from opsloop_sandbox.calls import CallLog
from opsloop_sandbox.connection import TooLarge, read_body
from opsloop_sandbox.content import read_content
from opsloop_sandbox.contract import Call
from opsloop_sandbox.faults import Faults, stores
from opsloop_sandbox.journal import Journal
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.misbehaviour import misbehave, outcome_of
from opsloop_sandbox.records import Message
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.workspace import Workspace

METHOD = "response_url"
MOST_USES = 5
LIFETIME_SECONDS = 30 * 60


class Issued(msgspec.Struct, frozen=True, kw_only=True, tag="issued"):
    token: str
    user: str
    channel: str
    original_ts: str | None  # the message that was clicked; a command has none
    at: float


class Used(msgspec.Struct, frozen=True, kw_only=True, tag="used"):
    token: str


class ResponseUrls:
    def __init__(self, *, journal_path: Path, workspace: Workspace, calls: CallLog, faults: Faults) -> None:
        self._workspace = workspace
        self._calls = calls
        self._faults = faults
        self._issued: dict[str, Issued] = {}
        self._uses: dict[str, int] = {}
        self._journal: Journal[Issued | Used] = Journal(journal_path, Issued | Used)  # type: ignore[arg-type]  # a union is a type
        for record in self._journal.replay():
            self._apply(record)

    def close(self) -> None:
        self._journal.close()

    def issue(self, user: str, channel: str, original_ts: str | None, now: float) -> str:
        """A new token for `/response/<token>`. `now` in Unix seconds."""
        token = secrets.token_urlsafe(24)
        self._save(Issued(token=token, user=user, channel=channel, original_ts=original_ts, at=now))
        return token

    def _save(self, record: Issued | Used) -> None:
        self._journal.append(record)
        self._apply(record)

    def _apply(self, record: Issued | Used) -> None:
        if isinstance(record, Issued):
            self._issued[record.token] = record
        else:
            self._uses[record.token] = self._uses.get(record.token, 0) + 1

    async def endpoint(self, request: Request) -> Response:
        token, at = request.path_params["token"], time.time()
        values: JsonObject = {}
        channel = self._issued[token].channel if token in self._issued else ""
        fault = self._faults.strike(METHOD, channel)
        try:
            body = await read_body(request)
            values = read_arguments("", request.headers.get("content-type", ""), body)
            if fault is not None and not stores(fault):
                self._record(token, values, at, outcome_of(fault), None, fault.behaviour)
                return await misbehave(fault, None, request)
            ts = self.use(token, values, at)
        except (SlackError, TooLarge) as error:
            code = error.code if isinstance(error, SlackError) else "request_too_large"
            self._record(token, values, at, code, None, None)
            return JSONResponse({"ok": False, "error": code}, status_code=404 if code.endswith("_url") else 400)
        self._record(token, values, at, "ok", ts, None if fault is None else fault.behaviour)
        honest = PlainTextResponse("ok")
        return honest if fault is None else await misbehave(fault, honest, request)

    def use(self, token: str, values: JsonObject, now: float) -> str | None:
        """Carries out one use; the `ts` of the message concerned. Raises SlackError; a refused use is not counted."""
        issued = self._issued.get(token)
        if issued is None or now - issued.at > LIFETIME_SECONDS:
            raise SlackError("expired_url")
        if self._uses.get(token, 0) >= MOST_USES:
            raise SlackError("used_url")
        ts = self.show(issued, values, now)
        self._save(Used(token=token))
        return ts

    def show(self, issued: Issued, values: JsonObject, now: float) -> str | None:
        """Replaces or deletes the message that was clicked, or posts a new one: private unless in_channel."""
        arguments = Arguments(values)
        original = self._original(issued)
        if arguments.flag("delete_original"):
            if original is not None:
                chat.take_away(self._workspace, original)
            return issued.original_ts
        content = read_content(arguments, longest_text=None)
        if content.is_empty:
            raise SlackError("no_text")
        if arguments.flag("replace_original") and original is not None:
            self._workspace.save(chat.updated(original, content, edited_ts=self._workspace.next_ts(now)))
            return original.ts
        in_channel = arguments.text("response_type") == "in_channel"
        message = chat.new_message(
            self._workspace,
            issued.channel,
            content,
            now,
            thread_ts=chat.parent_ts(self._workspace, issued.channel, arguments.text("thread_ts")),
            only_for=None if in_channel else issued.user,
        )
        return message.ts

    def _original(self, issued: Issued) -> Message | None:
        message = self._workspace.message(issued.channel, issued.original_ts or "")
        return None if message is None or message.tombstone else message

    def issued(self, token: str) -> Issued:
        return self._issued[token]

    def _record(
        self, token: str, values: JsonObject, at: float, outcome: str, ts: str | None, behaviour: str | None
    ) -> None:
        issued = self._issued.get(token)
        self._calls.add(
            Call(
                n=0,
                at=at,
                method=METHOD,
                args={**values, "response_token": token},
                outcome=outcome,
                effect=outcome == "ok",
                channel=None if issued is None else issued.channel,
                ts=ts,
                behaviour=behaviour,
                request_id=secrets.token_hex(16),
            )
        )
