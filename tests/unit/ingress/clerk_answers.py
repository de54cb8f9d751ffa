"""Answers as Clerk and Slack give them, with changes."""

import json

from opsloop_common.people import Person
from opsloop_ingress.identity.outcome import Answered

EMAIL = "alice@dealership.example"
ALICE = Person("T1", "U1")

Json = dict[str, object]


def verification(status: str = "verified") -> Json:
    return {"object": "verification_otp", "status": status, "strategy": "email_code"}


def clerk_user(email: str = EMAIL, **changes: object) -> Json:
    """A verified user; changes replace keys."""
    address = {"id": "idn_1", "email_address": email, "verification": verification()}
    return {"id": "user_1", "email_addresses": [address], "banned": False, "locked": False, **changes}


def of_clerk(*users: Json) -> Answered:
    return Answered(200, json.dumps(users).encode())


def slack_user(**changes: object) -> Json:
    """An ordinary member; changes replace keys."""
    standing = {"deleted": False, "is_bot": False, "is_restricted": False, "is_ultra_restricted": False}
    return {"id": "U1", "team_id": "T1", "profile": {"email": EMAIL}, "is_email_confirmed": True, **standing, **changes}


def of_slack(user: Json, scopes: str = "users:read,users:read.email") -> Answered:
    return Answered(200, json.dumps({"ok": True, "user": user}).encode(), scopes)


def slack_error(code: str) -> Answered:
    return Answered(200, json.dumps({"ok": False, "error": code}).encode())
