"""What the control API says of the identity provider's users."""

from typing import Literal

import msgspec

ClerkStatus = Literal["verified", "unverified", "failed", "expired"]


class ClerkEmail(msgspec.Struct, frozen=True):
    """An address as it was entered. `status` null: its verification was never begun."""

    address: str
    status: ClerkStatus | None = "verified"


class ClerkUser(msgspec.Struct, frozen=True, kw_only=True, tag="user"):
    """`created_at` in Unix milliseconds; the first address is the primary one."""

    id: str
    emails: tuple[ClerkEmail, ...] = ()
    first_name: str = ""
    last_name: str = ""
    banned: bool = False
    locked: bool = False
    deprovisioned: bool = False
    created_at: int = 0


class ClerkUserRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Only what is given changes; an id that nobody has makes a new user. `removed` takes the user away."""

    id: str
    emails: tuple[ClerkEmail, ...] | None = None
    banned: bool | None = None
    locked: bool | None = None
    deprovisioned: bool | None = None
    removed: bool = False
