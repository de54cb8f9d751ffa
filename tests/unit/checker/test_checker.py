"""The checker can fail: each broken promise is found in a history that is right in everything else."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from checker import History, LedgerEntry, Recorded, violations
from opsloop_common.events import TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import make_id
from opsloop_sandbox.contract import Call, SeenMessage, SitePut

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
UNKNOWN = Recorded(3, "unknown", ID, state("unknown", fence=1, percent=20))
CONFIRMED = Recorded(4, "succeeded", ID, state("succeeded", fence=1, percent=100, confirmed_by=Person("T0", "U0")))
WAITING = Recorded(3, "failed", ID, state("failed", fence=1, percent=20, retry_at=NOW))
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
)


def test_a_good_history_breaks_nothing() -> None:
    """No false alarm."""
    assert violations(GOOD) == []


def test_an_unknown_outcome_may_be_confirmed_once() -> None:
    """The doubt, the end of the thread, and then who ended the doubt."""
    said = message("1-confirmed", "4", "✅ Bob confirmed that it happened.")
    anchor = replace(ANCHOR, replies=[*ANCHOR.replies, said])
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
    ],
)
def test_a_broken_promise_is_found(invariant: str, break_it: Callable[[], History]) -> None:
    """Each seeded bug is caught, by the invariant it breaks."""
    found = violations(break_it())
    assert any(line.startswith(invariant) for line in found), found
