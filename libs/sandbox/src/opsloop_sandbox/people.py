"""auth.test, users.info and users.lookupByEmail: who the bot is, and who the others are."""

from opsloop_sandbox.access import require_scope
from opsloop_sandbox.arguments import Arguments
from opsloop_sandbox.contract import User
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.records import BOT_ID, BOT_USER_ID, TEAM, TEAM_DOMAIN
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.workspace import Workspace


def auth_test(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    return {
        "ok": True,
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": "OpsLoop",
        "user": "opsloop",
        "team_id": TEAM,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def users_info(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    """The e-mail address only with the scope users:read.email."""
    require_scope(workspace, "users:read")
    user = workspace.users.get(arguments.required("user"))
    if user is None:
        raise SlackError("user_not_found")
    return _described(workspace, user)


def users_lookup_by_email(workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
    """https://docs.slack.dev/reference/methods/users.lookupByEmail"""
    require_scope(workspace, "users:read.email")
    email = arguments.required("email").lower()
    for user in workspace.users.values():
        if user.email and user.email.lower() == email:
            return _described(workspace, user)
    raise SlackError("users_not_found")


def _described(workspace: Workspace, user: User) -> JsonObject:
    profile: JsonObject = {"real_name": user.real_name, "display_name": user.name}
    if "users:read.email" in workspace.scopes and user.email:
        profile["email"] = user.email
    account: JsonObject = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.real_name,
        "tz": user.tz,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "profile": profile,
    }
    return {"ok": True, "user": account | _standing(user)}


def _standing(user: User) -> JsonObject:
    """A deleted account has none, and only a stranger is told to be one."""
    if user.deleted:
        return {}
    standing: JsonObject = {
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_email_confirmed": user.is_email_confirmed,
    }
    return standing | ({"is_stranger": True} if user.is_stranger else {})
