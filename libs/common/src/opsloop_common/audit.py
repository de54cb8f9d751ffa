"""The audit: every decision about what somebody asked for, one chain of records for each shard.

A record is written before the event that it permits and has that event's id: the event's existence says that the
decision took effect. Each record holds the hash of the one before it, so that nobody can take one out, put one in or
change one without the rest of the chain telling. Whoever can rewrite the whole stream can rewrite the chain: keep a
copy of the newest hashes elsewhere.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from opsloop_common import codec
from opsloop_common.people import Conversation, Person

FIRST = "0" * 64
"""What stands before the first record of a chain."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who wanted what, and whether they may. `action` is run, retry, cancel, happened, rerun, follow or start.

    `arguments` is the hash of the parameters; `rule` says what a denial rests on.
    """

    action: str
    actor: Person
    conversation: Conversation
    task: str
    target: str
    task_id: str
    outcome: Literal["allow", "deny"]
    rule: str = ""
    arguments: str = ""


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is that of the event which the decision permits; `hash` covers everything else, `previous` included."""

    id: str
    at: datetime
    decision: Decision
    previous: str
    hash: str


def record(id: str, at: datetime, decision: Decision, previous: str) -> AuditRecord:
    """The next record of a chain whose newest hash is `previous`."""
    unsealed = AuditRecord(id=id, at=at, decision=decision, previous=previous, hash="")
    return msgspec.structs.replace(unsealed, hash=_hash(unsealed))


def hash_of(params: dict[str, str]) -> str:
    """Parameters, told apart without being told."""
    return hashlib.sha256(msgspec.json.encode(params, order="sorted")).hexdigest()[:16] if params else ""


def breaks(chain: Iterable[AuditRecord]) -> list[str]:
    """Where a chain, from its first record on, is not what was written: a line each."""
    found, previous = [], FIRST
    for number, one in enumerate(chain, 1):
        if one.previous != previous:
            found.append(f"record {number} ({one.id}) does not follow the one before it")
        if one.hash != _hash(one):
            found.append(f"record {number} ({one.id}) was changed")
        previous = one.hash
    return found


def _hash(one: AuditRecord) -> str:
    return hashlib.sha256(codec.encode(msgspec.structs.replace(one, hash=""))).hexdigest()
