"""What Slack's users.info says of a person: the address to look up, or why there is none. Pure.

https://docs.slack.dev/reference/methods/users.info and https://docs.slack.dev/reference/objects/user-object
"""

import msgspec

from opsloop_common.people import Person
from opsloop_ingress.identity import address
from opsloop_ingress.identity.outcome import Address, Answered, NoAnswer, NotSetUp, Refusal

SLACKBOT = "USLACKBOT"
NEEDED_SCOPE = "users:read.email"
NOT_HERE = frozenset({"user_not_found", "user_not_visible"})
SCOPE_MISSING = "SLACK_BOT_TOKEN lacks the scope users:read or users:read.email: add both and reinstall the app"
LONGEST_CODE = 50


class _Profile(msgspec.Struct, frozen=True):
    email: str | None = None


class _Enterprise(msgspec.Struct, frozen=True):
    """In an Enterprise Grid the workspaces of one organisation share their people."""

    id: str = ""
    teams: tuple[str, ...] = ()


class _User(msgspec.Struct, frozen=True):
    """A deleted person has fewer fields, hence None; `is_email_confirmed` is not always told."""

    id: str
    team_id: str
    deleted: bool
    is_bot: bool
    profile: _Profile
    is_workflow_bot: bool = False
    is_stranger: bool = False
    is_restricted: bool | None = None
    is_ultra_restricted: bool | None = None
    is_invited_user: bool = False
    is_email_confirmed: bool = True
    enterprise_user: _Enterprise | None = None


class _Info(msgspec.Struct, frozen=True):
    ok: bool
    error: str = ""
    user: _User | None = None


def read(answered: Answered, person: Person) -> Address | Refusal:
    """Raises NoAnswer for everything that is not an answer about this person, NotSetUp for a token that may not ask."""
    info = _decoded(answered)
    if not info.ok:
        return _refused(info.error)
    user = info.user
    if user is None or person.user not in (user.id, user.enterprise_user.id if user.enterprise_user else ""):
        raise NoAnswer("Slack's answer is about somebody else")
    if refusal := _refusal(user, person):
        return refusal
    if not user.profile.email and answered.scopes and NEEDED_SCOPE not in answered.scopes.replace(" ", "").split(","):
        raise NotSetUp(SCOPE_MISSING)
    if not (email := address.normal(user.profile.email or "")):
        return Refusal("no_email")
    return Address(email) if user.is_email_confirmed else Refusal("unconfirmed_email")


def _decoded(answered: Answered) -> _Info:
    if answered.status != 200:
        raise NoAnswer(f"Slack answers with HTTP {answered.status}")
    try:
        return msgspec.json.decode(answered.body, type=_Info)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoAnswer("Slack's answer is not readable") from error


def _refused(code: str) -> Refusal:
    if code in NOT_HERE:
        return Refusal("stranger")
    if code == "missing_scope":
        raise NotSetUp(SCOPE_MISSING)
    is_code = code.isascii() and code.isidentifier() and len(code) <= LONGEST_CODE
    raise NoAnswer(f"Slack does not tell who somebody is: {code if is_code else 'unknown error'}")


def _refusal(user: _User, person: Person) -> Refusal | None:
    """Why the account itself is not one of the workspace's own people."""
    if user.deleted:
        return Refusal("deleted")
    if user.is_bot or user.is_workflow_bot or user.id == SLACKBOT:
        return Refusal("bot")
    if user.is_stranger or not _belongs(user, person.workspace):
        return Refusal("stranger")
    if user.is_restricted is None or user.is_ultra_restricted is None:
        raise NoAnswer("Slack's answer does not say whether somebody is a guest")
    if user.is_restricted or user.is_ultra_restricted:
        return Refusal("guest")
    # Whoever has not accepted an invitation has not shown that the address is theirs.
    return Refusal("unconfirmed_email") if user.is_invited_user else None


def _belongs(user: _User, workspace: str) -> bool:
    return workspace == user.team_id or (user.enterprise_user is not None and workspace in user.enterprise_user.teams)
