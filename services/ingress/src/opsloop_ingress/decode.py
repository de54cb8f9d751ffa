"""Verified bytes become a command. Pure: a new button or a new word of the slash command is added here.

`decode` either says what is asked (`Asked`), or that nothing is (`Ignored`, `Challenge`), or raises Refused.
"""

import re
from datetime import datetime
from typing import Literal, TypedDict

import msgspec

from opsloop_common import buttons
from opsloop_common.buttons import Pointer
from opsloop_common.commands import AnyCommand, ExplainButton, RetryTask, RunTask, ShowHelp, ShowLogs, ShowStatus
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import is_token, make_id
from opsloop_ingress import answer_url, document, form
from opsloop_ingress.payloads import Action, Event, Interaction
from opsloop_ingress.refusal import Refused

Kind = Literal["command", "interaction", "event"]

LONGEST_WORD = 100
LONGEST_TARGET = 200
LONGEST_CHALLENGE = 1000

LINK_ACTIONS = frozenset({"task.grafana"})
RUN_ACTION = "task.run."

_ID = re.compile(r"[A-Z0-9]{1,32}")
_TIMESTAMP = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_TRIGGER = re.compile(r"[!-~]{1,200}")
_COMMAND = re.compile(r"/\S{1,63}")
_INTERACTIONS_NOT_USED = frozenset(
    {
        "view_submission",
        "view_closed",
        "shortcut",
        "message_action",
        "block_suggestion",
        "interactive_message",
        "dialog_submission",
        "dialog_suggestion",
        "dialog_cancellation",
        "workflow_step_edit",
    }
)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What decoding needs to know of this installation. An empty allow-list allows everybody Slack signs for."""

    button_secrets: tuple[str, ...]
    teams: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()
    api_url: str = ""


class Asked(msgspec.Struct, frozen=True):
    """Something is asked. `foreign_answer_host` names the host of an answer URL that was left out."""

    command: AnyCommand
    foreign_answer_host: str = ""


class Ignored(msgspec.Struct, frozen=True):
    """Nothing is asked: `what` is counted, nothing else. `link` is the action id of a link button of ours."""

    what: str
    link: str = ""


class Challenge(msgspec.Struct, frozen=True):
    """Slack wants to see this text again before it sends events."""

    text: str


class _Request(TypedDict):
    """What every command of a request has in common."""

    request_id: str
    actor: Person
    conversation: Conversation
    asked_at: datetime
    answer_url: str
    command: str


def decode(kind: Kind, body: bytes, asked_at: datetime, rules: Rules) -> Asked | Ignored | Challenge:
    """What a verified request asks; `asked_at` is its verified time. Raises Refused."""
    match kind:
        case "command":
            return _slash(form.decode(body), asked_at, rules)
        case "interaction":
            return _interaction(form.decode(body), asked_at, rules)
        case "event":
            return _event(document.decode(_utf8(body), Event), rules)


def decode_payload(kind: Kind, payload: str, asked_at: datetime, rules: Rules) -> Asked | Ignored | Challenge:
    """The same for what comes over Socket Mode, where every kind is a JSON object. Raises Refused."""
    match kind:
        case "command":
            return _slash(_texts(document.decode(payload, dict[str, object])), asked_at, rules)
        case "interaction":
            return _interactive(document.decode(payload, Interaction), asked_at, rules)
        case "event":
            return _event(document.decode(payload, Event), rules)


# --- slash commands -------------------------------------------------------------------------------------------------


def _slash(fields: dict[str, str], asked_at: datetime, rules: Rules) -> Asked | Ignored:
    if fields.get("ssl_check") == "1":
        return Ignored("ssl_check")
    if "command" not in fields or "payload" in fields:
        raise Refused("wrong_kind")
    team = fields.get("team_id", "")
    _admit(fields.get("api_app_id"), (team,), rules)
    conversation = Conversation(_slack_id(team), _slack_id(fields.get("channel_id", "")))
    user = _slack_id(fields.get("user_id", ""))
    trigger = _matching(_TRIGGER, fields.get("trigger_id", ""))
    answer = answer_url.check(fields.get("response_url", ""), rules.api_url)
    request = _Request(
        request_id=make_id(conversation, "command", user, trigger),
        actor=Person(team, user),
        conversation=conversation,
        asked_at=asked_at,
        answer_url=answer.url,
        command=_matching(_COMMAND, fields["command"]),
    )
    return Asked(_words(fields.get("text", ""), request), answer.foreign_host)


def _words(text: str, request: _Request) -> AnyCommand:
    """The grammar: `status <target>`, `run <task> <target>`; anything else is answered with help."""
    verb, rest = _first_word(text)
    match verb.lower():
        case "status" if rest:
            return ShowStatus(target=rest[:LONGEST_TARGET], **request)
        case "run":
            task, target = _first_word(rest)
            if target:
                return RunTask(task=task[:LONGEST_WORD], target=target[:LONGEST_TARGET], **request)
            return ShowHelp(**request)
        case "" | "help" | "status":
            return ShowHelp(**request)
    return ShowHelp(unknown_word=verb[:LONGEST_WORD], **request)


def _first_word(text: str) -> tuple[str, str]:
    first, *rest = text.split(maxsplit=1) or [""]
    return first, rest[0].rstrip() if rest else ""


# --- clicks ---------------------------------------------------------------------------------------------------------


def _interaction(fields: dict[str, str], asked_at: datetime, rules: Rules) -> Asked | Ignored:
    if fields.get("ssl_check") == "1":
        return Ignored("ssl_check")
    if "payload" not in fields or "command" in fields:
        raise Refused("wrong_kind")
    return _interactive(document.decode(fields["payload"], Interaction), asked_at, rules)


def _interactive(payload: Interaction, asked_at: datetime, rules: Rules) -> Asked | Ignored:
    if payload.type != "block_actions" and payload.type not in _INTERACTIONS_NOT_USED:
        raise Refused("wrong_kind")
    _admit(payload.api_app_id, _teams(payload), rules)
    if payload.type != "block_actions":
        return Ignored(payload.type)
    if payload.channel is None:
        return Ignored("view_action")
    if payload.actions is None or len(payload.actions) != 1:
        raise Refused("shape")
    return _click(payload, payload.channel.id, payload.actions[0], asked_at, rules)


def _teams(payload: Interaction) -> tuple[str, ...]:
    """Every workspace the payload names: a person of a foreign one may click in a shared channel."""
    named = (
        payload.team.id if payload.team else None,
        payload.user.team_id,
        payload.view.team_id if payload.view else None,
    )
    return tuple(team for team in named if team is not None)


def _click(payload: Interaction, channel: str, action: Action, asked_at: datetime, rules: Rules) -> Asked | Ignored:
    team, home = _workspaces(payload)
    conversation = Conversation(team, _slack_id(channel))
    user = _slack_id(payload.user.id)
    if action.action_id in LINK_ACTIONS or action.url:
        return Ignored("link", link=action.action_id if action.action_id in LINK_ACTIONS else "other")
    message = _matching(_TIMESTAMP, (payload.container and payload.container.message_ts) or "")
    action_at = _matching(_TIMESTAMP, action.action_ts)
    answer = answer_url.check(payload.response_url or "", rules.api_url)
    request = _Request(
        request_id=make_id(conversation, "click", user, message, action.action_id, action_at),
        actor=Person(home, user),
        conversation=conversation,
        asked_at=asked_at,
        answer_url=answer.url,
        command="",
    )
    pointer = buttons.read(rules.button_secrets, action.value or "")
    return Asked(_button(action.action_id, pointer, request), answer.foreign_host)


def _workspaces(payload: Interaction) -> tuple[str, str]:
    """The workspace of the conversation and that of the person; where Slack names one of them, both are that one."""
    named = payload.team.id if payload.team else payload.user.team_id
    team = _slack_id(named or "")
    return team, _slack_id(payload.user.team_id or team)


def _button(action_id: str, pointer: Pointer | None, request: _Request) -> AnyCommand:
    task = action_id.removeprefix(RUN_ACTION)
    if pointer is not None:
        if action_id.startswith(RUN_ACTION) and is_token(task):
            return RunTask(task=task, card=pointer.id, **request)
        if action_id == "task.retry":
            return RetryTask(task_id=pointer.id, drawn_at=pointer.sequence, **request)
        if action_id == "task.logs":
            return ShowLogs(task_id=pointer.id, **request)
    return ExplainButton(action=action_id[:LONGEST_WORD], **request)


# --- events ---------------------------------------------------------------------------------------------------------


def _event(event: Event, rules: Rules) -> Ignored | Challenge:
    match event.type:
        case "url_verification":
            # It names neither team nor app; the signature is what there is.
            if event.challenge is None or len(event.challenge) > LONGEST_CHALLENGE:
                raise Refused("shape")
            return Challenge(event.challenge)
        case "event_callback" | "app_rate_limited":
            _admit(event.api_app_id, (event.team_id or "",), rules)
            inner = event.event.type if event.event else ""
            return Ignored("app_home_opened" if inner == "app_home_opened" else "other_event")
    raise Refused("wrong_kind")


# --- all of them ----------------------------------------------------------------------------------------------------


def _admit(app: str | None, teams: tuple[str, ...], rules: Rules) -> None:
    if rules.apps and app not in rules.apps:
        raise Refused("foreign_app")
    if rules.teams and not (teams and rules.teams.issuperset(teams)):
        raise Refused("foreign_team")


def _slack_id(text: str) -> str:
    return _matching(_ID, text)


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise Refused("shape")
    return text


def _texts(fields: dict[str, object]) -> dict[str, str]:
    """The fields of a form that came as an object; what is no text is not read. A NUL is refused as in a form."""
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    if any("\0" in value for value in texts.values()):
        raise Refused("form")
    return texts


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("json") from error
