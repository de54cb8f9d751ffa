"""Verified bytes become what they ask for. Pure: the words of the slash command are in `words`, buttons in `clicks`.

`decode` says what is asked (`Asked`, `FormWanted`, `Submitted`), or that nothing is (`Ignored`, `Challenge`), or
raises Refused.
"""

from datetime import datetime

from opsloop_common.commands import RunTask, ShowHome
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import make_id
from opsloop_ingress import answer_url, clicks, document, form, parameters, words
from opsloop_ingress.asked import Asked, Challenge, Decoded, FormWanted, Ignored, Kind, Request
from opsloop_ingress.payloads import Event, HomeOpened, InnerEvent, Interaction
from opsloop_ingress.refusal import Refused
from opsloop_ingress.rules import Rules
from opsloop_ingress.shape import COMMAND, EVENT_ID, TIMESTAMP, TRIGGER, matching, slack_id

LONGEST_CHALLENGE = 1000


def decode(kind: Kind, body: bytes, asked_at: datetime, rules: Rules) -> Decoded:
    """What a verified request asks; `asked_at` is its verified time. Raises Refused."""
    match kind:
        case "command":
            return _slash(form.decode(body), asked_at, rules)
        case "interaction":
            return _interaction(form.decode(body), asked_at, rules)
        case "event":
            return _event(document.decode(_utf8(body), Event), asked_at, rules)


def decode_payload(kind: Kind, payload: str, asked_at: datetime, rules: Rules) -> Decoded:
    """The same for what comes over Socket Mode, where every kind is a JSON object. Raises Refused."""
    match kind:
        case "command":
            return _slash(_texts(document.decode(payload, dict[str, object])), asked_at, rules)
        case "interaction":
            return clicks.interactive(document.decode(payload, Interaction), asked_at, rules)
        case "event":
            return _event(document.decode(payload, Event), asked_at, rules)


def _slash(fields: dict[str, str], asked_at: datetime, rules: Rules) -> Asked | FormWanted | Ignored:
    if fields.get("ssl_check") == "1":
        return Ignored("ssl_check")
    if "command" not in fields or "payload" in fields:
        raise Refused("wrong_kind")
    team = fields.get("team_id", "")
    rules.admit(fields.get("api_app_id"), (team,))
    conversation = Conversation(slack_id(team), slack_id(fields.get("channel_id", "")))
    user = slack_id(fields.get("user_id", ""))
    trigger = matching(TRIGGER, fields.get("trigger_id", ""))
    answer = answer_url.check(fields.get("response_url", ""), rules.api_url)
    request = Request(
        request_id=make_id(conversation, "command", user, trigger),
        actor=Person(team, user),
        conversation=conversation,
        asked_at=asked_at,
        answer_url=answer.url,
        command=matching(COMMAND, fields["command"]),
    )
    command = words.command(fields.get("text", ""), request, rules)
    if isinstance(command, RunTask):
        return parameters.asked(command, trigger, answer.foreign_host, rules)
    return Asked(command, answer.foreign_host)


def _interaction(fields: dict[str, str], asked_at: datetime, rules: Rules) -> Decoded:
    if fields.get("ssl_check") == "1":
        return Ignored("ssl_check")
    if "payload" not in fields or "command" in fields:
        raise Refused("wrong_kind")
    return clicks.interactive(document.decode(fields["payload"], Interaction), asked_at, rules)


def _event(event: Event, asked_at: datetime, rules: Rules) -> Asked | Ignored | Challenge:
    match event.type:
        case "url_verification":
            # It names neither team nor app; the signature is what there is.
            if event.challenge is None or len(event.challenge) > LONGEST_CHALLENGE:
                raise Refused("shape")
            return Challenge(event.challenge)
        case "event_callback" | "app_rate_limited":
            rules.admit(event.api_app_id, (event.team_id or "",))
            is_home = _inner_type(event) == "app_home_opened"
            return _home_opened(event, asked_at) if is_home else Ignored("other_event")
    raise Refused("wrong_kind")


def _inner_type(event: Event) -> str:
    text = bytes(event.event).decode()
    return "" if text == "null" else document.decode(text, InnerEvent).type


def _home_opened(event: Event, asked_at: datetime) -> Asked | Ignored:
    """Slack repeats an event under its id."""
    found = document.decode(bytes(event.event).decode(), HomeOpened)
    if found.tab != "home":
        return Ignored("app_home_opened")
    team, user = slack_id(event.team_id or ""), slack_id(found.user)
    occasion = matching(EVENT_ID, event.event_id) if event.event_id else matching(TIMESTAMP, found.event_ts)
    conversation = Conversation(team, user)
    return Asked(
        ShowHome(
            request_id=make_id(conversation, "home", user, occasion),
            actor=Person(team, user),
            conversation=conversation,
            asked_at=asked_at,
        )
    )


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
