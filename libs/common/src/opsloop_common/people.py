"""People and places, as the chat product vouches for them, and whether a person is verified.

A `Conversation` is opaque to everyone but ingress and notifier: compare it, never take it apart.
"""

from datetime import datetime
from typing import Literal

import msgspec

OPERATORS = "operator"
"""The workspace of those who give commands at the broker itself. No chat product has one of this name."""


class Person(msgspec.Struct, frozen=True):
    """Somebody in a workspace."""

    workspace: str
    user: str

    @property
    def is_operator(self) -> bool:
        """Whether they hold the broker's credentials: nobody at the chat product, and not verified by anybody."""
        return self.workspace == OPERATORS


class Conversation(msgspec.Struct, frozen=True):
    """Where the talk happens. Its hash chooses the shard."""

    workspace: str
    channel: str


class ThreadQuery(msgspec.Struct, frozen=True):
    """Asks where a task is shown."""

    task_id: str


class ThreadLink(msgspec.Struct, frozen=True):
    """The permanent link to a task's message and its thread; empty where there is none (yet)."""

    url: str = ""


IdentityReason = Literal[
    "",
    "bot",
    "deleted",
    "guest",
    "stranger",  # of another organisation, in a shared channel
    "no_email",
    "unconfirmed_email",  # at the chat product
    "unknown_person",  # the identity provider has nobody with this address
    "ambiguous",  # it has more than one
    "other_address",  # it answered with somebody who has another address
    "unverified_email",  # at the identity provider
    "banned",
    "locked",
    "not_set_up",  # no identity provider and no allow-list
    "operator",  # at the broker: nobody vouches for who that is
    "no_answer",  # the chat product or the identity provider did not answer in time
]


class IdentityQuery(msgspec.Struct, frozen=True):
    """Asks who a person is. `fresh`: an answer from memory will not do."""

    person: Person
    fresh: bool = False


class Identity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a person is: `verified` with e-mail and subject, `refused` for good, or `unknown` (nobody could tell).

    `at` is when the sources were asked. Only `verified` ever allows anything. `email` is in lower case.
    """

    state: Literal["verified", "refused", "unknown"]
    reason: IdentityReason = ""
    email: str = ""
    subject: str = ""
    source: Literal["clerk", "list", ""] = ""
    at: datetime | None = None
