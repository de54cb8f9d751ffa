"""Whether what Clerk answers about an address makes somebody a verified person. Pure.

The shapes are those of Clerk's Backend API, GET /users, version 2025-11-10. A filter that Clerk does not understand
gives users all the same, so what comes back is held against the address that was asked for.
"""

import msgspec

from opsloop_common.people import Identity
from opsloop_ingress.identity import address
from opsloop_ingress.identity.outcome import Answered, NoAnswer, refused, verified

WRONG_KEY = "; check CLERK_SECRET_KEY"


class _Verification(msgspec.Struct, frozen=True):
    status: str


class _EmailAddress(msgspec.Struct, frozen=True):
    email_address: str
    verification: _Verification | None


class _User(msgspec.Struct, frozen=True):
    id: str
    email_addresses: tuple[_EmailAddress, ...]
    banned: bool
    locked: bool
    deprovisioned: bool = False


def read(answered: Answered, email: str) -> Identity:
    """`email` is in its normal form. Raises NoAnswer for what is not a list of users."""
    users = _decoded(answered)
    if not users:
        return refused("clerk", "unknown_person")
    if len(users) > 1:
        return refused("clerk", "ambiguous")
    (user,) = users
    if not user.id:
        raise NoAnswer("Clerk's answer names a user without an id")
    if user.banned or user.deprovisioned:
        return refused("clerk", "banned")
    if user.locked:
        return refused("clerk", "locked")
    return _by_address(user, email)


def _decoded(answered: Answered) -> tuple[_User, ...]:
    if answered.status != 200:
        hint = WRONG_KEY if answered.status in (401, 403) else ""
        raise NoAnswer(f"Clerk answers with HTTP {answered.status}{hint}")
    try:
        return msgspec.json.decode(answered.body, type=tuple[_User, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoAnswer("Clerk's answer is not a list of users") from error


def _by_address(user: _User, email: str) -> Identity:
    same = [entry for entry in user.email_addresses if address.normal(entry.email_address) == email]
    if not same:
        return refused("clerk", "other_address")
    if any(entry.verification is None or entry.verification.status != "verified" for entry in same):
        return refused("clerk", "unverified_email")
    return verified("clerk", email, user.id)
