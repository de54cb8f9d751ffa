"""The checker: a pure function over what happened, which asserts the invariants I1 to I6 after a system test.

It reads four histories: what Slack sent (and how it was acknowledged), the event stream, what is visible in Slack with
the ledger that should account for it, and the effects at the outside world. It knows the formats, not the code.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from opsloop_common import audit
from opsloop_common.answers import AnswerState, RefusedBody
from opsloop_common.audit import AuditRecord
from opsloop_common.events import FINAL_STATUSES, Status, TaskState
from opsloop_common.people import Conversation
from opsloop_common.subjects import make_id
from opsloop_sandbox.contract import Call, EffectSeen, SeenMessage, SitePut
from opsloop_sandbox.json_value import walk

SIGNS: dict[Status, str] = {
    "queued": "⏳",
    "running": "▶️",
    "succeeded": "✅",
    "failed": "❌",
    "cancelled": "🚫",
    "unknown": "❓",
}
FINAL_EVENTS = {"succeeded", "failed", "cancelled", "unknown"}


class Recorded(msgspec.Struct, frozen=True):
    """An event of the stream."""

    sequence: int
    event: str
    id: str
    state: TaskState | AnswerState


class LedgerEntry(msgspec.Struct, frozen=True):
    """A ledger record, as far as the checker reads it."""

    key: str
    state: str
    ts: str = ""


class Rule(msgspec.Struct, frozen=True):
    """A task type of the catalogue, as far as the checker reads it."""

    effect: str
    run_by: tuple[str, ...]
    sensitive: bool = False


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a system test leaves behind, once it has settled.

    `messages` are the channels' messages by channel; `bot` is the app's user id, `team` the workspace's; `publishers`
    are the systems that the catalogue lets report tasks of their own. `taken` are the effects at the effect server,
    `rules` the task types by name, `verified` the users who may run sensitive ones, `logged` the ids under which a
    handler wrote a log.
    """

    team: str
    bot: str
    calls: list[Call]
    events: list[Recorded]
    ledger: list[LedgerEntry]
    messages: dict[str, list[SeenMessage]]
    puts: list[SitePut]
    audit: dict[str, list[AuditRecord]] | None = None
    """The chains of decisions; None where they were not read."""
    publishers: frozenset[str] = frozenset()
    taken: list[EffectSeen] = []
    rules: dict[str, Rule] = {}
    verified: frozenset[str] = frozenset()
    logged: frozenset[str] = frozenset()


def violations(history: History) -> list[str]:
    """What was broken, one line each; empty when every invariant held."""
    checks = (requests, anchors, effects, overlaps, ledger, trespassers, denials, permissions, audits, chains)
    return [line for check in checks for line in check(history)]


def requests(history: History) -> Iterator[str]:
    """I1: every acknowledged request that asks for something is exactly one task or one answer, and is answered."""
    first = _first_events(history)
    for id, call in _acknowledged(history).items():
        if id not in first:
            yield f"I1: request {id} ({call.method} {call.args}) was acknowledged and became nothing"
    shown = _by_key(history)
    entries = {entry.key: entry for entry in history.ledger}
    for id, state in _last_states(history).items():
        if not isinstance(state, AnswerState) or state.visibility == "none":
            continue
        undeliverable = any(
            entry.state == "undeliverable" for key, entry in entries.items() if key.startswith(f"{id}.")
        )
        if state.visibility == "conversation" and len(shown[f"{id}.anchor"]) != 1 and not undeliverable:
            yield f"I1: answer {id} is visible {len(shown[f'{id}.anchor'])} times in its channel"
        if state.visibility == "private" and not any(key.startswith(f"{id}.") for key in entries):
            yield f"I1: the private answer {id} was never given"


def anchors(history: History) -> Iterator[str]:
    """I2: every task has exactly one anchor, whose visible state is the task's last event; its threads end once."""
    shown = _by_key(history)
    dead = {entry.key for entry in history.ledger if entry.state == "undeliverable"}
    for id, state in _last_states(history).items():
        if not isinstance(state, TaskState) or f"{id}.anchor" in dead:
            continue
        found = shown[f"{id}.anchor"]
        if len(found) != 1:
            yield f"I2: task {id} has {len(found)} anchors"
            continue
        anchor = found[0]
        percent = 100 if state.status == "succeeded" else state.percent
        wanted = (SIGNS[state.status], f"{percent}%", state.task, state.target)
        if missing := [part for part in wanted if part not in anchor.text]:
            yield f"I2: task {id} is {state.status}, but its message says {anchor.text!r} (no {missing})"
        yield from _buttons(id, state, anchor)
        yield from _threads(id, state, anchor)


def _buttons(id: str, state: TaskState, anchor: SeenMessage) -> Iterator[str]:
    """What a person can do fits the state: nothing that ended can be cancelled, what failed can be tried again."""
    if state.external is not None:
        return
    actions = {one.get("action_id") for one in walk(list(anchor.blocks))}
    wanted = {"failed": "task.retry", "unknown": "task.happened"}.get(state.status)
    if wanted is not None and wanted not in actions:
        yield f"I2: task {id} is {state.status} and has no button {wanted}"
    if state.is_settled and "task.cancel" in actions:
        yield f"I2: task {id} is {state.status} and can still be cancelled"


def _threads(id: str, state: TaskState, anchor: SeenMessage) -> Iterator[str]:
    keys = Counter(_key(reply) for reply in anchor.replies)
    for key, count in keys.items():
        if key and count > 1:
            yield f"I2: {key} was posted {count} times"
    marks = [mark for reply in anchor.replies if (mark := _mark(_key(reply))) is not None]
    if marks != sorted(marks):
        yield f"I2: the thread of {id} is not in its order: {marks}"
    for attempt in range(1, state.attempt + (state.status in FINAL_STATUSES)):
        if keys[f"{id}.{attempt}-end"] != 1:
            yield f"I2: attempt {attempt} of {id} has {keys[f'{id}.{attempt}-end']} ends in its thread"
    for attempt in range(1, state.attempt + 1):
        order = [_key(reply) for reply in anchor.replies if f".{attempt}-" in _key(reply)]
        # What a person said of an unknown outcome comes after the end.
        order = order[:-1] if order and order[-1] == f"{id}.{attempt}-confirmed" else order
        if order and f"{id}.{attempt}-end" in order[:-1]:
            yield f"I2: something follows the end of attempt {attempt} of {id}: {order}"


def _mark(key: str) -> tuple[int, int] | None:
    """Attempt and percent of a milestone's key, `<id>.<attempt>-<percent>`; an end comes after them all."""
    attempt, _, name = key.rpartition(".")[2].partition("-")
    percent = name if name.isdecimal() else "101" if name == "end" else ""
    return (int(attempt), int(percent)) if attempt.isdecimal() and percent else None


def effects(history: History) -> Iterator[str]:
    """I3: one effect at most for each idempotency key (task, attempt, step).

    What is `idempotent` may be asked again of a system that knows no keys.
    """
    kinds = _kinds(history)
    counts = Counter(put.idempotency_key for put in history.puts if put.effect)
    counts.update(one.key for one in history.taken if one.effect and kinds.get(one.task) != "idempotent")
    for key, count in counts.items():
        if count > 1:
            yield f"I3: {key} took effect {count} times"


def overlaps(history: History) -> Iterator[str]:
    """I3: on one target one effect at a time, and none under a lower fence than the one before."""
    targets = {id: state.target for id, state in _last_states(history).items() if isinstance(state, TaskState)}
    by_target: dict[str, list[EffectSeen]] = defaultdict(list)
    for one in history.taken:
        if one.status != 409 and one.task in targets:
            by_target[targets[one.task]].append(one)
    for target, found in by_target.items():
        for one, other in pairwise(sorted(found, key=lambda one: one.began_at)):
            if other.began_at < one.ended_at:
                yield f"I3: {one.key} (fence {one.fence}) and {other.key} (fence {other.fence}) overlap on {target}"
            if one.task == other.task and other.fence < one.fence:
                yield f"I3: {other.key} was done under fence {other.fence} after {one.fence}"


def _kinds(history: History) -> dict[str, str]:
    """The effect class of each task, by id."""
    states = _last_states(history).items()
    tasks = {id: state.task for id, state in states if isinstance(state, TaskState)}
    return {id: history.rules[task].effect for id, task in tasks.items() if task in history.rules}


def ledger(history: History) -> Iterator[str]:
    """I4: what we posted in a channel is in the ledger, with its time stamp; nothing in the ledger is undecided."""
    entries = {entry.key: entry for entry in history.ledger}
    for entry in history.ledger:
        if entry.state in ("intent", "sending"):
            yield f"I4: the ledger entry {entry.key} is still {entry.state}"
    for message in _ours(history):
        key = _key(message)
        if not key:
            yield f"I4: message {message.ts} carries no marker: {message.text!r}"
        elif key not in entries:
            yield f"I4: message {message.ts} ({key}) has no ledger entry"
        elif entries[key].ts != message.ts:
            yield f"I4: message {message.ts} ({key}) is another than the ledger's {entries[key].ts}"


def trespassers(history: History) -> Iterator[str]:
    """I5: nothing begins in the stream but by a request of Slack, or by a publisher of the catalogue."""
    known = set(_requests(history)) | _submissions(history) | _follow_ups(history) | _external(history)
    known |= _of_operators(history)
    pages = {call.args["user"] for call in history.calls if call.method in ("deliver.event", "deliver.click")}
    for id, one in _first_events(history).items():
        # The page of a person belongs to them, not to one request; clicks on it name no channel.
        is_page = isinstance(one.state, AnswerState) and one.state.conversation.channel == one.state.to.user
        if id not in known and not (is_page and isinstance(one.state, AnswerState) and one.state.to.user in pages):
            yield f"I5: {id} is in the stream, and no request of Slack asked for it"


def denials(history: History) -> Iterator[str]:
    """I5: a denied request leaves exactly its denial: no task, no log of a handler, no effect."""
    by_id: dict[str, list[str]] = defaultdict(list)
    for one in history.events:
        by_id[one.id].append(one.event)
    touched = {one.task for one in history.taken} | {(put.idempotency_key or "").split(":")[0] for put in history.puts}
    for id, found in by_id.items():
        if "denied" not in found:
            continue
        if found != ["denied"]:
            yield f"I5: request {id} was denied, and yet: {found}"
        if id in history.logged or id in touched:
            yield f"I5: request {id} was denied, and its handler ran"


def permissions(history: History) -> Iterator[str]:
    """I5: nothing started for somebody whom the catalogue does not let run it."""
    for one in history.events:
        if one.event != "started" or not isinstance(one.state, TaskState) or one.state.task not in history.rules:
            continue
        rule, user = history.rules[one.state.task], one.state.requested_by.user
        # Whose an address is, is not known here.
        is_listed = any(entry in ("*", user) or "@" in entry for entry in rule.run_by)
        if not is_listed or (rule.sensitive and user not in history.verified):
            yield f"I5: {one.state.task} ({one.id}) started for {user}, who may not run it"


def audits(history: History) -> Iterator[str]:
    """I5: every decision is on record, what was refused and whatever began; no chain is broken."""
    if history.audit is None:
        return
    for subject, chain in history.audit.items():
        yield from (f"I5: {subject}: {line}" for line in audit.breaks(chain))
    decided = {(one.decision.task_id, one.decision.outcome) for chain in history.audit.values() for one in chain}
    for id, one in _first_events(history).items():
        match one.state:
            case AnswerState(body=RefusedBody(task_id=task_id)) if one.event == "denied":
                if (task_id or id, "deny") not in decided:
                    yield f"I5: {id} was denied, and the audit does not say so"
            case TaskState(external=None) if (id, "allow") not in decided:
                yield f"I5: task {id} began, and the audit does not say who permitted it"


def chains(history: History) -> Iterator[str]:
    """I6: every task has settled; fence and attempt never go back; one final event for each attempt.

    An attempt whose outcome was unknown may be said to have happened, once, by a person the state names.
    """
    by_id: dict[str, list[Recorded]] = defaultdict(list)
    for one in history.events:
        by_id[one.id].append(one)
    for id, events in by_id.items():
        events.sort(key=lambda one: one.sequence)
        states = [one.state for one in events]
        tasks = [state for state in states if isinstance(state, TaskState)]
        if not tasks:
            continue
        if not tasks[-1].is_settled:
            yield f"I6: task {id} is still {tasks[-1].status}{', to be tried again' if tasks[-1].retry_at else ''}"
        steps = [(task.attempt, task.fence) for task in tasks]
        if steps != sorted(steps):
            yield f"I6: attempt or fence of {id} went back: {steps}"
        claims = [one.state.fence for one in events if one.event == "started" and isinstance(one.state, TaskState)]
        if tasks[-1].external is None and claims != sorted(set(claims)):
            yield f"I6: {id} was claimed under the fences {claims}"
        yield from _queued(id, events)
        yield from _ends(id, events)


def _queued(id: str, events: list[Recorded]) -> Iterator[str]:
    """I1, for one task: a request queues it once. It is queued anew only as it moves up in its line."""
    states = [one.state for one in events if one.event == "queued" and isinstance(one.state, TaskState)]
    counts = Counter((one.attempt, one.fence, one.behind, one.turn_at, one.holds_for) for one in states)
    for (attempt, *_), count in counts.items():
        if count > 1:
            yield f"I1: attempt {attempt} of {id} was queued {count} times"


def _ends(id: str, events: list[Recorded]) -> Iterator[str]:
    """I6, for one task: how each of its attempts ended."""
    ends: dict[int, list[tuple[str, bool]]] = defaultdict(list)
    for one in sorted(events, key=lambda one: one.sequence):
        if one.event in FINAL_EVENTS and isinstance(one.state, TaskState):
            ends[one.state.attempt].append((one.event, one.state.confirmed_by is not None))
    for attempt, found in ends.items():
        is_settled_by_a_person = found == [("unknown", False), ("succeeded", True)]
        if len(found) > 1 and not is_settled_by_a_person:
            yield f"I6: attempt {attempt} of {id} ended {len(found)} times: {[event for event, _ in found]}"
        if len(found) == 1 and found[0][1]:
            yield f"I6: attempt {attempt} of {id} was confirmed, but its outcome was not unknown"


def _requests(history: History) -> dict[str, Call]:
    """Every request Slack sent that asks for something, by the id it must get; one that opened a form is answered."""
    found: dict[str, Call] = {}
    opened = {call.args.get("trigger_id") for call in history.calls if call.method == "views.open"} - {None}
    for call in history.calls:
        if call.channel is None or call.args.get("action_id") in ("task.grafana", "task.logs"):
            continue
        if call.args.get("trigger_id") in opened:
            continue
        here, args = Conversation(history.team, call.channel), call.args
        if call.method == "deliver.command":
            found.setdefault(make_id(here, "command", str(args["user"]), str(args["trigger_id"])), call)
        elif call.method == "deliver.click":
            identity = [str(args[name]) for name in ("user", "message_ts", "action_id", "action_ts")]
            found.setdefault(make_id(here, "click", *identity), call)
    return found


def _submissions(history: History) -> set[str]:
    """The ids of what was asked by forms; a form was opened in one of the channels, or by words there."""
    sent = [call.args for call in history.calls if call.method == "deliver.submission"]
    return {
        make_id(Conversation(history.team, channel), "form", str(args["user"]), str(args["view_id"]))
        for args in sent
        for channel in history.messages
    }


def _follow_ups(history: History) -> set[str]:
    """The ids of what a task starts by succeeding."""
    ended = [one.state for one in history.events if one.event == "succeeded" and isinstance(one.state, TaskState)]
    tasks = {one.state.task for one in history.events if isinstance(one.state, TaskState)}
    denied = {one.task for state in _last_states(history).values() for one in getattr(state, "follow_ups", ())}
    return {
        make_id(state.conversation, "follow", state.id, str(state.attempt), task)
        for state in ended
        for task in tasks | denied
    }


def _external(history: History) -> set[str]:
    """The ids of what other systems report: each follows from its publisher's name and the name it has there."""
    external = [one.state for one in history.events if isinstance(one.state, TaskState) and one.state.external]
    return {
        make_id(state.conversation, "ext", state.external.publisher, state.external.task_id)
        for state in external
        if state.external is not None and state.external.publisher in history.publishers
    }


def _of_operators(history: History) -> set[str]:
    """The ids of what was asked at the broker itself, where no request of Slack can claim to come from."""
    return {
        one.id
        for one in history.events
        if isinstance(one.state, AnswerState) and one.state.to.is_operator and one.state.visibility == "none"
    }


def _acknowledged(history: History) -> dict[str, Call]:
    return {id: call for id, call in _requests(history).items() if call.outcome == "ok"}


def _first_events(history: History) -> dict[str, Recorded]:
    found: dict[str, Recorded] = {}
    for one in sorted(history.events, key=lambda one: one.sequence):
        found.setdefault(one.id, one)
    return found


def _last_states(history: History) -> dict[str, TaskState | AnswerState]:
    return {one.id: one.state for one in sorted(history.events, key=lambda one: one.sequence)}


def _ours(history: History) -> Iterator[SeenMessage]:
    """The app's visible messages in channels, threads included; private ones cannot be read back."""
    for messages in history.messages.values():
        for message in messages:
            for one in (message, *message.replies):
                if one.user == history.bot and not one.ephemeral and not one.deleted:
                    yield one


def _by_key(history: History) -> dict[str, list[SeenMessage]]:
    found: dict[str, list[SeenMessage]] = defaultdict(list)
    for message in _ours(history):
        found[_key(message)].append(message)
    return found


def _key(message: SeenMessage) -> str:
    payload = (message.metadata or {}).get("event_payload", {})
    key = payload.get("key", "") if isinstance(payload, dict) else ""
    return key if isinstance(key, str) else ""
