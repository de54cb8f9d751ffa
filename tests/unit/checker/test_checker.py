"""The checker can fail: each broken promise is found in a history that is right in everything else."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from checker import History, LedgerEntry, Recorded, Rule, violations
from opsloop_common import audit
from opsloop_common.answers import AnswerState, RefusedBody
from opsloop_common.audit import Decision
from opsloop_common.events import TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import make_id
from opsloop_sandbox.contract import Call, EffectSeen, SeenMessage, SitePut

HERE = Conversation("T0", "C0")
ID = make_id(HERE, "command", "U0", "trigger")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def state(status: str, **changes: object) -> TaskState:
    task = TaskState(
        id=ID,
        task="fix",
        target="naples",
        title="Naples",
        conversation=HERE,
        requested_by=Person("T0", "U0"),
        requested_at=NOW,
        status="queued",
    )
    return replace(task, status=status, **changes)


def message(key: str, ts: str, text: str, replies: tuple[SeenMessage, ...] = ()) -> SeenMessage:
    metadata: dict[str, object] = {"event_type": "x", "event_payload": {"key": f"{ID}.{key}"}}
    return SeenMessage(ts=ts, user="UBOT", text=text, blocks=[], metadata=metadata, replies=list(replies))


def put(n: int) -> SitePut:
    return SitePut(
        n=n,
        at=0,
        dealer="naples",
        status=204,
        effect=True,
        idempotency_key=f"{ID}:1:Inject",
        fence="1",
        if_match="x",
        etag="y",
    )


def taken(n: int, fence: int = 1, began_at: float = 0) -> EffectSeen:
    return EffectSeen(
        n=n,
        name="x",
        task=ID,
        key=f"{ID}:1:Effect",
        fence=fence,
        began_at=began_at,
        ended_at=began_at + 1,
        status=200,
        effect=True,
    )


def button(action: str) -> dict[str, object]:
    return {"type": "actions", "elements": [{"type": "button", "action_id": action}]}


RULES = {"fix": Rule("at_most_once", ("U0",))}
END = message("1-end", "3", "✅ Completed successfully.")
ANCHOR = message("anchor", "1", "fix for naples: ✅ Completed (100%)", (message("1-20", "2", "Progress: 20%"), END))
CALL = Call(
    n=1,
    at=0,
    method="deliver.command",
    args={"user": "U0", "trigger_id": "trigger"},
    outcome="ok",
    effect=True,
    channel="C0",
    request_id="r",
)
EVENTS = [
    Recorded(1, "queued", ID, state("queued")),
    Recorded(2, "started", ID, state("running", fence=1)),
    Recorded(3, "succeeded", ID, state("succeeded", fence=1, percent=100)),
]
FAILED = Recorded(3, "failed", ID, state("failed", fence=1, percent=20))
UNKNOWN = Recorded(3, "unknown", ID, state("unknown", fence=1, percent=20))
CONFIRMED = Recorded(4, "succeeded", ID, state("succeeded", fence=1, percent=100, confirmed_by=Person("T0", "U0")))
WAITING = Recorded(3, "failed", ID, state("failed", fence=1, percent=20, retry_at=NOW))
PERMITTED = audit.record(
    "e1",
    NOW,
    Decision(
        action="run",
        actor=Person("T0", "U0"),
        conversation=HERE,
        task="fix",
        target="naples",
        task_id=ID,
        outcome="allow",
    ),
    audit.FIRST,
)
GOOD = History(
    team="T0",
    bot="UBOT",
    calls=[CALL],
    events=EVENTS,
    ledger=[
        LedgerEntry(f"{ID}.anchor", "posted", "1"),
        LedgerEntry(f"{ID}.1-20", "posted", "2"),
        LedgerEntry(f"{ID}.1-end", "posted", "3"),
    ],
    messages={"C0": [ANCHOR]},
    puts=[put(1)],
    taken=[taken(1)],
    rules=RULES,
    audit={"ops.audit.00": [PERMITTED]},
)


BROKEN = replace(ANCHOR, text="fix for naples: ❌ Error (20%)")
FORTY = message("1-40", "9", "Progress: 40%")
AGAIN = {"fix": Rule("idempotent", ("*",))}
TOLD = LedgerEntry(f"{ID}.private", "posted")
DENIED = Recorded(
    1,
    "denied",
    ID,
    AnswerState(
        id=ID,
        conversation=HERE,
        to=Person("T0", "U0"),
        visibility="private",
        body=RefusedBody(reason="not_permitted", command="/x", task="fix", target="naples"),
        answered_at=NOW,
    ),
)


def test_a_denial_alone_breaks_nothing() -> None:
    """The request, its denial, and that it was told."""
    denied = replace(GOOD, events=[DENIED], messages={}, ledger=[TOLD], puts=[], taken=[], audit=None)
    assert violations(denied) == []


def test_a_good_history_breaks_nothing() -> None:
    """No false alarm."""
    assert violations(GOOD) == []


def test_an_unknown_outcome_may_be_confirmed_once() -> None:
    """The doubt, the end of the thread, and then who ended the doubt."""
    said = message("1-confirmed", "4", "✅ Bob confirmed that it happened.")
    anchor = replace(ANCHOR, replies=[*ANCHOR.replies, said], blocks=[])
    entries = [*GOOD.ledger, LedgerEntry(f"{ID}.1-confirmed", "posted", "4")]
    events = [*EVENTS[:2], UNKNOWN, CONFIRMED]
    assert violations(replace(GOOD, events=events, messages={"C0": [anchor]}, ledger=entries)) == []


@pytest.mark.parametrize(
    ("invariant", "break_it"),
    [
        ("I1", lambda: replace(GOOD, events=[], messages={}, ledger=[], puts=[])),
        ("I2", lambda: replace(GOOD, messages={"C0": []})),
        ("I2", lambda: replace(GOOD, messages={"C0": [ANCHOR, replace(ANCHOR, ts="9")]})),
        ("I2", lambda: replace(GOOD, messages={"C0": [replace(ANCHOR, text="fix for naples: ▶️ Running (80%)")]})),
        ("I2", lambda: replace(GOOD, messages={"C0": [replace(ANCHOR, replies=[*ANCHOR.replies, END])]})),
        ("I2", lambda: replace(GOOD, messages={"C0": [replace(ANCHOR, replies=ANCHOR.replies[:1])]})),
        ("I2", lambda: replace(GOOD, messages={"C0": [replace(ANCHOR, replies=ANCHOR.replies[::-1])]})),
        ("I3", lambda: replace(GOOD, puts=[put(1), put(2)])),
        ("I2", lambda: replace(GOOD, events=[*EVENTS[:2], FAILED], messages={"C0": [BROKEN]})),
        ("I2", lambda: replace(GOOD, messages={"C0": [replace(ANCHOR, blocks=[button("task.cancel")])]})),
        ("I2", lambda: replace(GOOD, messages={"C0": [replace(ANCHOR, replies=[FORTY, *ANCHOR.replies])]})),
        ("I3", lambda: replace(GOOD, taken=[taken(1), taken(2, began_at=5)])),
        ("I3", lambda: replace(GOOD, rules=AGAIN, taken=[taken(1), taken(2, began_at=0.5)])),
        ("I3", lambda: replace(GOOD, rules=AGAIN, taken=[taken(1, fence=2), taken(2, fence=1, began_at=5)])),
        ("I5", lambda: replace(GOOD, rules={"fix": Rule("idempotent", ("U1",))})),
        ("I5", lambda: replace(GOOD, rules={"fix": Rule("idempotent", ("*",), sensitive=True)})),
        (
            "I5",
            lambda: replace(
                GOOD, events=[DENIED], messages={}, ledger=[TOLD], puts=[], taken=[], logged=frozenset({ID})
            ),
        ),
        ("I5", lambda: replace(GOOD, events=[DENIED], messages={}, ledger=[TOLD], puts=[])),
        ("I5", lambda: replace(GOOD, events=[DENIED, replace(EVENTS[0], sequence=9)])),
        ("I6", lambda: replace(GOOD, events=[*EVENTS[:2], EVENTS[1], EVENTS[2]])),
        ("I1", lambda: replace(GOOD, events=[EVENTS[0], *EVENTS])),
        ("I4", lambda: replace(GOOD, ledger=GOOD.ledger[1:])),
        ("I4", lambda: replace(GOOD, ledger=[replace(GOOD.ledger[0], state="sending"), *GOOD.ledger[1:]])),
        ("I4", lambda: replace(GOOD, messages={"C0": [ANCHOR, replace(ANCHOR, ts="8", metadata=None)]})),
        ("I5", lambda: replace(GOOD, calls=[])),
        ("I6", lambda: replace(GOOD, events=EVENTS[:2])),
        ("I6", lambda: replace(GOOD, events=[*EVENTS, replace(EVENTS[2], sequence=4)])),
        ("I6", lambda: replace(GOOD, events=[*EVENTS[:2], WAITING])),
        ("I6", lambda: replace(GOOD, events=[*EVENTS[:2], UNKNOWN, replace(EVENTS[2], sequence=4)])),
        ("I6", lambda: replace(GOOD, events=[*EVENTS, replace(CONFIRMED, sequence=4)])),
        ("I6", lambda: replace(GOOD, events=[*EVENTS[:2], CONFIRMED])),
        ("I6", lambda: replace(GOOD, events=[*EVENTS[:2], UNKNOWN, CONFIRMED, replace(CONFIRMED, sequence=5)])),
        (
            "I6",
            lambda: replace(GOOD, events=[EVENTS[0], replace(EVENTS[1], state=state("running", fence=5)), EVENTS[2]]),
        ),
        ("I5", lambda: replace(GOOD, audit={})),
        ("I5", lambda: replace(GOOD, audit={"ops.audit.00": [replace(PERMITTED, previous="1" * 64)]})),
    ],
    ids=[
        "dropped-request",
        "no-anchor",
        "two-anchors",
        "late-overwrite",
        "reply-twice",
        "lost-end",
        "order",
        "two-effects",
        "no-retry-button",
        "cancel-after-the-end",
        "milestones-out-of-order",
        "at-most-once-twice",
        "overlap",
        "lower-fence",
        "not-permitted",
        "not-verified",
        "denied-and-logged",
        "denied-and-effect",
        "denied-and-queued",
        "claimed-twice",
        "queued-twice",
        "no-ledger-entry",
        "undecided",
        "no-marker",
        "trespasser",
        "still-running",
        "ended-twice",
        "to-be-tried-again",
        "unknown-then-done-by-nobody",
        "confirmed-after-success",
        "confirmed-without-doubt",
        "confirmed-twice",
        "stale-write",
        "not-on-record",
        "record-tampered-with",
    ],
)
def test_a_broken_promise_is_found(invariant: str, break_it: Callable[[], History]) -> None:
    """Each seeded bug is caught, by the invariant it breaks."""
    found = violations(break_it())
    assert any(line.startswith(invariant) for line in found), found
