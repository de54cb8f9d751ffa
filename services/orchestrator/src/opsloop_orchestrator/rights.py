"""Who may do what. Pure, and deny by default: nothing is allowed unless a rule says so."""

from collections.abc import Iterable

import msgspec

from opsloop_common.answers import RefusalReason
from opsloop_common.catalogue import Access, TaskType
from opsloop_common.events import TaskState
from opsloop_common.people import Identity, IdentityReason, Person
from opsloop_common.publishers import Publisher


class No(msgspec.Struct, frozen=True):
    """A denial. `identity` says why somebody is not verified, where that is the reason."""

    reason: RefusalReason
    identity: IdentityReason = ""

    @property
    def is_for_now(self) -> bool:
        """Whether it may be different in a moment: nobody could tell who it is."""
        return self.reason == "no_identity"


def may_run(person: Person, kind: TaskType, identity: Identity | None) -> No | None:
    """None when this person may run this kind of task. `identity` is None where nobody was asked for it."""
    if kind.sensitive and (no := _unverified(identity)):
        return no
    # Whoever holds the broker's credentials may do it anyway.
    if person.is_operator:
        return None
    if _is_listed(person, identity, kind.run_by):
        return None
    # Somebody whom only an e-mail address lets in, and whose address nobody could tell.
    if kind.asks_who and identity is not None and identity.state == "unknown":
        return No("no_identity", identity.reason)
    return No("not_permitted")


def may_handle(person: Person, task: TaskState, access: Access, identity: Identity | None) -> No | None:
    """None when this person may retry or cancel this task: their own, or any as an owner."""
    if person in (task.requested_by, task.tried_by) or person.is_operator:
        return None
    return None if _is_listed(person, identity, access.owners) else No("not_yours")


def may_press(person: Person, publisher: Publisher, identity: Identity | None) -> No | None:
    """None when this person may press the buttons of this publisher's events."""
    if _is_listed(person, identity, publisher.press_by):
        return None
    if publisher.asks_who and (identity is None or identity.state == "unknown"):
        return No("no_identity", identity.reason if identity is not None else "no_answer")
    return No("not_permitted")


def owners_need_identity(access: Access) -> bool:
    return any("@" in entry for entry in access.owners)


def _unverified(identity: Identity | None) -> No | None:
    if identity is None or identity.state == "unknown":
        return No("no_identity", identity.reason if identity is not None else "no_answer")
    return None if identity.state == "verified" and identity.email else No("not_verified", identity.reason)


def _is_listed(person: Person, identity: Identity | None, entries: Iterable[str]) -> bool:
    address = identity.email.casefold() if identity is not None and identity.state == "verified" else ""
    return any(_is_meant(entry, person, address) for entry in entries)


def _is_meant(entry: str, person: Person, address: str) -> bool:
    if "@" in entry:
        return bool(address) and entry.casefold() == address
    return entry in ("*", person.user)
