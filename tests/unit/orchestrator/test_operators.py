"""What whoever holds the broker's credentials may do: cancel and retry as an owner, but vouched for by nobody."""

from datetime import UTC, datetime
from typing import cast

from opsloop_common.bus import Bus
from opsloop_common.catalogue import Access, TaskType
from opsloop_common.events import TaskState
from opsloop_common.people import OPERATORS, Conversation, Person
from opsloop_orchestrator import identities, rights

OPERATOR = Person(OPERATORS, "operator:root")
TASK = TaskState(
    id="07-aaaaaaaaaaaaaaaaaaaa",
    task="fix",
    target="naples",
    title="Naples",
    conversation=Conversation("T", "C"),
    requested_by=Person("T", "U"),
    requested_at=datetime(2026, 1, 1, tzinfo=UTC),
    status="failed",
)


async def test_an_operator_is_an_owner_but_not_verified() -> None:
    """Nobody is asked who that is."""
    who = await identities.asking(cast("Bus", None), "ops.q.identity")(OPERATOR)
    assert rights.may_handle(OPERATOR, TASK, Access(), who) is None
    assert rights.may_run(OPERATOR, TaskType(name="fix", title="Fix", run_by=("U1",)), who) is None
    no = rights.may_run(OPERATOR, TaskType(name="fix", title="Fix", run_by=("*",), sensitive=True), who)
    assert no is not None
    assert (no.reason, no.identity) == ("not_verified", "operator")
    assert rights.may_handle(Person("T", "operator:root"), TASK, Access(), None) is not None
