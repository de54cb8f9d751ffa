"""Slack: the tokens, their scopes, its clock, and a message that is posted, read back and deleted."""

import asyncio
import secrets
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from opsloop_cli.doctor import clocks
from opsloop_cli.doctor.asking import Answer, Asker, NoAnswer
from opsloop_cli.doctor.deployment import Deployment
from opsloop_cli.doctor.finding import Finding, ok, warning, wrong
from opsloop_cli.doctor.scopes import SCOPES

TOKEN, SCOPE, CLOCK, SOCKET, READ_BACK = "slack token", "slack scopes", "clock of slack", "slack socket", "read back"
LOOKS_SECONDS = (0.0, 0.5, 1.5)
"""Slack's history may lag behind."""
JSON = {"Content-Type": "application/json; charset=utf-8"}
EVENT_TYPE = "opsloop_doctor"

MEND_REACH = "open the way to SLACK_API_URL (https://slack.com), or set HTTPS_PROXY"
MEND_TOKEN = "put the Bot User OAuth Token of the page OAuth & Permissions into SLACK_BOT_TOKEN"  # noqa: S105
MEND_SCOPE = "add it under OAuth & Permissions, as deploy/slack/manifest.yaml has it, and install the app again"
MEND_APP = "generate an app-level token with connections:write on the page Basic Information, and switch Socket Mode on"
MEND_GONE = "look whether an app there deletes messages"
MEND_STRIPPED = "look for an app or a policy that rewrites messages there"
MENDS = {
    "not_in_channel": "invite the app there: /invite @OpsLoop",
    "channel_not_found": "give the channel's id, like C0123456789; invite the app if it is private: /invite @OpsLoop",
    "is_archived": "give a channel that is not archived",
    "missing_scope": MEND_SCOPE,
}


async def examine(deployment: Deployment, asker: Asker, channel: str) -> list[Finding]:
    slack = _Slack(deployment, asker)
    findings = await _tokens(slack) if deployment.bot_token else []
    if deployment.app_token:
        findings.append(await _socket(slack))
    if channel and deployment.bot_token:
        findings += await _read_back(slack, channel)
    return findings


class Problem(msgspec.Struct, frozen=True):
    """Why a call did not do what it should: Slack's own word for it, where Slack was reached."""

    code: str
    is_reached: bool = True


class _Slack:
    """Calls of the Web API; what Slack refuses is a Problem."""

    def __init__(self, deployment: Deployment, asker: Asker) -> None:
        self._deployment = deployment
        self._asker = asker

    async def call(self, method: str, arguments: Mapping[str, object] | None = None) -> Answer | Problem:
        return await self._posted(method, self._deployment.bot_token, msgspec.json.encode(arguments or {}))

    async def open_socket(self) -> Answer | Problem:
        return await self._posted("apps.connections.open", self._deployment.app_token, b"{}")

    async def read(self, method: str, query: Mapping[str, str]) -> Answer | Problem:
        token = self._deployment.bot_token
        return _judged(await self._asker.get(self._url(method), query, token=token, outside=True))

    async def _posted(self, method: str, token: str, body: bytes) -> Answer | Problem:
        return _judged(await self._asker.post(self._url(method), body, JSON, token=token, outside=True))

    def _url(self, method: str) -> str:
        return f"{self._deployment.slack_api_url}/{method}"


def _judged(answer: Answer | NoAnswer) -> Answer | Problem:
    if isinstance(answer, NoAnswer):
        return Problem(answer.why, is_reached=False)
    fields = answer.fields
    if fields.get("ok") is True:
        return answer
    error = fields.get("error")
    return Problem(error if isinstance(error, str) else f"HTTP {answer.status}, which is not Slack's way")


async def _tokens(slack: _Slack) -> list[Finding]:
    answer = await slack.call("auth.test")
    if isinstance(answer, Problem):
        return [wrong(TOKEN, f"auth.test: {answer.code}", MEND_TOKEN if answer.is_reached else MEND_REACH)]
    found = ok(TOKEN, f"{answer.fields.get('user')} of {answer.fields.get('team')}")
    return [found, *_scopes(answer.headers.get("x-oauth-scopes", "")), *_clock(answer)]


def _scopes(header: str) -> list[Finding]:
    given = {scope.strip() for scope in header.split(",")}
    missing = {scope: without for scope, without in SCOPES.items() if scope not in given}
    found = [wrong(SCOPE, f"{scope} is missing: {without}", MEND_SCOPE) for scope, without in missing.items()]
    return found or [ok(SCOPE, "every one that is needed")]


def _clock(answer: Answer) -> list[Finding]:
    try:
        told_at = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return []
    half_seconds = (answer.came_at - answer.sent_at) / 2
    # The header tells whole seconds.
    ahead_seconds = told_at + 0.5 - answer.sent_at - half_seconds
    return [clocks.compared(CLOCK, "Slack's", ahead_seconds, half_seconds + 0.5)]


async def _socket(slack: _Slack) -> Finding:
    answer = await slack.open_socket()
    if isinstance(answer, Problem):
        mend = MEND_APP if answer.is_reached else MEND_REACH
        return wrong(SOCKET, f"apps.connections.open: {answer.code}", mend)
    return ok(SOCKET, "Socket Mode is open to us")


async def _read_back(slack: _Slack, channel: str) -> list[Finding]:
    """What the ledger relies on: a message that we posted can be found, with the mark that says it is ours."""
    mark = secrets.token_hex(8)
    posted = await slack.call("chat.postMessage", _message(channel, mark))
    if isinstance(posted, Problem):
        return [wrong(READ_BACK, f"nothing could be posted in {channel}: {posted.code}", _mend(posted))]
    ts = str(posted.fields.get("ts"))
    try:
        found = await _found(slack, channel, ts, mark)
    finally:
        deleted = await slack.call("chat.delete", {"channel": channel, "ts": ts})
    if isinstance(deleted, Problem):
        return [found, warning(READ_BACK, f"the message could not be deleted: {deleted.code}", "delete it by hand")]
    return [found]


def _message(channel: str, mark: str) -> dict[str, object]:
    text = "opsloop doctor looks whether it finds this message again"
    return {
        "channel": channel,
        "text": text,
        "blocks": [{"type": "section", "block_id": mark, "text": {"type": "plain_text", "text": text}}],
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"mark": mark}},
    }


async def _found(slack: _Slack, channel: str, ts: str, mark: str) -> Finding:
    query = {"channel": channel, "oldest": ts, "latest": ts, "inclusive": "true", "limit": "1"}
    for wait_seconds in LOOKS_SECONDS:
        await asyncio.sleep(wait_seconds)
        answer = await slack.read("conversations.history", {**query, "include_all_metadata": "true"})
        if isinstance(answer, Problem):
            return wrong(READ_BACK, f"the history of {channel} cannot be read: {answer.code}", _mend(answer))
        if message := _first(answer.fields.get("messages")):
            return _marked(message, mark)
    return wrong(READ_BACK, f"a message posted in {channel} is not in its history", MEND_GONE)


def _first(messages: object) -> dict[str, object]:
    first = messages[0] if isinstance(messages, list) and messages else None
    return first if isinstance(first, dict) else {}


def _marked(message: Mapping[str, object], mark: str) -> Finding:
    if mark in str(message.get("metadata")):
        return ok(READ_BACK, "posted, found with its metadata, deleted")
    if mark in str(message.get("blocks")):
        text = "Slack gives a message back without its metadata; its block id is there, which is enough"
        return warning(READ_BACK, text, MEND_STRIPPED)
    text = "Slack gives a message back with neither metadata nor block id: a lost post cannot be told from another"
    return wrong(READ_BACK, text, MEND_STRIPPED)


def _mend(problem: Problem) -> str:
    return MENDS.get(problem.code, "look the error up in Slack's reference of the method")
