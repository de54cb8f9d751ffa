"""A chain of decisions tells when one was taken out, put in or changed."""

from datetime import UTC, datetime

from msgspec.structs import replace

from opsloop_common.audit import FIRST, AuditRecord, Decision, breaks, hash_of, record
from opsloop_common.people import Conversation, Person

AT = datetime(2026, 1, 1, tzinfo=UTC)
DECISION = Decision(
    action="run",
    actor=Person("T", "U"),
    conversation=Conversation("T", "C"),
    task="fix",
    target="naples",
    task_id="07-a",
    outcome="allow",
)


def chain(length: int = 4) -> list[AuditRecord]:
    found: list[AuditRecord] = []
    for number in range(length):
        found.append(record(f"e{number}", AT, DECISION, found[-1].hash if found else FIRST))
    return found


def test_a_whole_chain_breaks_nowhere() -> None:
    """Also an empty one."""
    assert breaks(chain()) == breaks([]) == []


def test_what_was_done_to_a_chain_is_told() -> None:
    """One record changed, changed and sealed anew, taken out, put in, two swapped."""
    one, two, three, four = chain()
    changed = replace(two, decision=replace(DECISION, outcome="deny"))
    sealed = record(two.id, AT, changed.decision, one.hash)
    for tampered in (
        [one, changed, three, four],
        [one, sealed, three, four],
        [one, three, four],
        [two, three, four],
        [one, two, two, three, four],
        [one, three, two, four],
    ):
        assert breaks(tampered), tampered


def test_parameters_are_told_apart_and_not_told() -> None:
    """The order they were given in does not matter."""
    assert hash_of({"a": "1", "b": "2"}) == hash_of({"b": "2", "a": "1"}) != hash_of({"a": "1", "b": "3"})
    assert "secret" not in hash_of({"a": "secret"})
    assert hash_of({}) == ""
