"""The identity provider's users: who is there at first, what changes, and how Clerk's Backend API shows them."""

import time
from pathlib import Path

import msgspec

from opsloop_sandbox.clerk_contract import ClerkEmail, ClerkUser, ClerkUserRequest
from opsloop_sandbox.journal import Journal
from opsloop_sandbox.json_value import JsonObject

FIRST_DAY = 1_767_225_600_000
"""2026-01-01, in Unix milliseconds."""

PEOPLE = (
    ClerkUser(
        id="user_alice",
        emails=(ClerkEmail("alice@dealership.example"),),
        first_name="Alice",
        last_name="Rivera",
        created_at=FIRST_DAY,
    ),
    ClerkUser(
        id="user_carol",
        emails=(ClerkEmail("carol@dealership.example", "unverified"),),
        first_name="Carol",
        last_name="Okafor",
        created_at=FIRST_DAY + 1,
    ),
)
"""Bob has no account there, Carol has never proved her address."""


class ClerkRemoved(msgspec.Struct, frozen=True, tag="removed"):
    id: str


ClerkRecord = ClerkUser | ClerkRemoved


class ClerkUsers:
    """Oldest first. Changes survive a restart."""

    def __init__(self, journal_path: Path) -> None:
        self._users = {user.id: user for user in PEOPLE}
        self._journal: Journal[ClerkRecord] = Journal(journal_path, ClerkRecord)  # type: ignore[arg-type]  # a union is a type
        for record in self._journal.replay():
            self._apply(record)

    def close(self) -> None:
        self._journal.close()

    def all(self) -> list[ClerkUser]:
        return sorted(self._users.values(), key=lambda user: (user.created_at, user.id))

    def change(self, wanted: ClerkUserRequest) -> None:
        if wanted.removed:
            self._save(ClerkRemoved(wanted.id))
            return
        user = self._users.get(wanted.id) or ClerkUser(id=wanted.id, created_at=time.time_ns() // 1_000_000)
        given = {
            "emails": wanted.emails,
            "banned": wanted.banned,
            "locked": wanted.locked,
            "deprovisioned": wanted.deprovisioned,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        self._save(msgspec.structs.replace(user, **changes))

    def _save(self, record: ClerkRecord) -> None:
        self._journal.append(record)
        self._apply(record)

    def _apply(self, record: ClerkRecord) -> None:
        if isinstance(record, ClerkRemoved):
            self._users.pop(record.id, None)
        else:
            self._users[record.id] = record


def described(user: ClerkUser) -> JsonObject:
    """The User object of version 2025-11-10, with every key that Clerk's own models require."""
    emails = [_email(user, number) for number in range(len(user.emails))]
    return {
        "id": user.id,
        "object": "user",
        "external_id": None,
        "primary_email_address_id": emails[0]["id"] if emails else None,
        "primary_phone_number_id": None,
        "primary_web3_wallet_id": None,
        "username": None,
        "first_name": user.first_name or None,
        "last_name": user.last_name or None,
        "has_image": False,
        "public_metadata": {},
        "private_metadata": {},
        "unsafe_metadata": {},
        "email_addresses": emails,
        "phone_numbers": [],
        "web3_wallets": [],
        "passkeys": [],
        "password_enabled": True,
        "two_factor_enabled": False,
        "totp_enabled": False,
        "backup_code_enabled": False,
        "mfa_enabled_at": None,
        "mfa_disabled_at": None,
        "external_accounts": [],
        "saml_accounts": [],
        "enterprise_accounts": [],
        "last_sign_in_at": None,
        "banned": user.banned,
        "locked": user.locked,
        "lockout_expires_in_seconds": 3600 if user.locked else None,
        "verification_attempts_remaining": 0 if user.locked else 100,
        "deprovisioned": user.deprovisioned,
        "updated_at": user.created_at,
        "created_at": user.created_at,
        "delete_self_enabled": True,
        "create_organization_enabled": False,
        "last_active_at": None,
        "legal_accepted_at": None,
    }


def _email(user: ClerkUser, number: int) -> JsonObject:
    email = user.emails[number]
    return {
        "id": f"idn_{user.id.removeprefix('user_')}{number}",
        "object": "email_address",
        "email_address": email.address,
        "reserved": False,
        "verification": None
        if email.status is None
        else {
            "object": "verification_otp",
            "status": email.status,
            "strategy": "email_code",
            "attempts": 1,
            "expire_at": user.created_at + 600_000,
        },
        "linked_to": [],
        "matches_sso_connection": False,
        "created_at": user.created_at,
        "updated_at": user.created_at,
    }
