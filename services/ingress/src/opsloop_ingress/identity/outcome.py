"""What may come of asking who somebody is."""

from typing import Literal

import msgspec

from opsloop_common.people import Identity, IdentityReason

Source = Literal["clerk", "list", ""]


class NoAnswer(Exception):
    """A source did not tell, or told something unreadable; the text says what happened and may be logged."""


class NotSetUp(NoAnswer):
    """A source cannot tell before a setting is mended; the text says which."""


class Answered(msgspec.Struct, frozen=True):
    """An answer of an API as it came; `scopes` is the header in which Slack says what the token may do."""

    status: int
    body: bytes
    scopes: str = ""


class Address(msgspec.Struct, frozen=True):
    """The e-mail address, in its normal form, of a person who may be looked up."""

    email: str


class Refusal(msgspec.Struct, frozen=True):
    """A person who is not looked up, and why."""

    reason: IdentityReason


def verified(source: Source, email: str, subject: str) -> Identity:
    return Identity(state="verified", source=source, email=email, subject=subject)


def refused(source: Source, reason: IdentityReason) -> Identity:
    """Without the address: whoever is refused has none that counts."""
    return Identity(state="refused", source=source, reason=reason)


def unknown(reason: IdentityReason) -> Identity:
    return Identity(state="unknown", reason=reason)
