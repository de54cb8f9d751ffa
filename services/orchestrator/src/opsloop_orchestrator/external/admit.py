"""What becomes of a report: the task's next state, nothing, or a fault. Pure.

A task belongs to the publisher that the subject names: its id follows from that name, so no report can reach a task of
somebody else, or one of ours.
"""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from opsloop_common import reports
from opsloop_common.events import FINAL_STATUSES, Failure, Status, Step, TaskState
from opsloop_common.external import External
from opsloop_common.people import Conversation, Person
from opsloop_common.publishers import Publisher
from opsloop_common.reports import Fault, Report
from opsloop_common.subjects import make_id
from opsloop_common.task import Result
from opsloop_orchestrator.moves import LONGEST_SENTENCE, STEPS_KEPT, fitted

LONGEST_TITLE = 120
LONGEST_NAME = 80
IDS_KEPT = 16
NO_REASON = "It failed, and its publisher did not say why."

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it came in: where it stands in the publisher's stream (not at all, if it was asked to be answered).

    `key` is its own id, or the one its message had.
    """

    report: Report
    key: str = ""
    stored_at: datetime | None = None
    stored: int = 0

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()[:16] if self.key else ""


class Admitted(msgspec.Struct, frozen=True):
    """`event` is the weightiest that fits what changed."""

    event: Literal["reported", "step", "progressed", "succeeded", "failed", "cancelled"]
    state: TaskState


class Passed(msgspec.Struct, frozen=True):
    """It changes nothing: it is known already, or a newer one was here before."""

    outcome: Literal["duplicate", "overtaken"]


Verdict = Admitted | Passed | Fault


def id_of(publisher: Publisher, conversation: Conversation, task_id: str) -> str:
    """Our id of a publisher's task that is shown in a conversation."""
    return make_id(conversation, "ext", publisher.name, task_id)


def place_of(report: Report, publisher: Publisher) -> Conversation:
    """Where the card of a new task goes."""
    channel = report.channel or publisher.targets.get(report.target, "") or publisher.channels[0]
    return publisher.conversation(channel)


def admit(
    incoming: Incoming, publisher: Publisher, task_id: str, task: TaskState | None, sequence: int, now: datetime
) -> Verdict:
    """What a report makes of the task, which is None when there is none yet. `sequence` is that of its state."""
    report = incoming.report
    if fault := reports.permitted(report, publisher):
        return fault
    if task is None or task.external is None:
        return reports.beginning(report) or _moved(
            _born(incoming, publisher, task_id, now), incoming, publisher, 0, now
        )
    if incoming.digest and incoming.digest in task.external.ids:
        return Passed("duplicate")
    if _is_overtaken(incoming, task.external):
        return Passed("overtaken")
    if fault := _elsewhere(report, publisher, task):
        return fault
    if task.status == "unknown":
        # It was given up, and is alive: another attempt, for this one has ended before everybody's eyes.
        return _moved(_come_back(task), incoming, publisher, sequence, now)
    if not task.is_open:
        return Fault(
            reason="ended", pointer="/state", expected=f"nothing: the task has {task.status}; use a new task id"
        )
    return _moved(task, incoming, publisher, sequence, now)


def is_news(before: TaskState, after: TaskState, now: datetime) -> bool:
    """Whether a state is worth an event: something can be seen of it, or the last sign of life grows old."""
    old, new = before.external, after.external
    if old is None or new is None or replace(after, external=old) != before:
        return True
    if replace(new, seen_at=old.seen_at, silent_at=old.silent_at, gone_at=old.gone_at, stored_at=old.stored_at,
               stored=old.stored) != old:  # fmt: skip
        return True
    return now - old.seen_at > (old.silent_at - old.seen_at) / 4


def _is_overtaken(incoming: Incoming, known: External) -> bool:
    """The publisher's own numbers count where it gives any, else the order in which its stream has them."""
    if incoming.report.sequence is not None:
        return incoming.report.sequence <= known.sequence
    if incoming.stored_at is None or known.stored_at is None:
        return False
    # A stream that was made anew counts from 1 again, but its times go on.
    return (incoming.stored_at, incoming.stored) <= (known.stored_at, known.stored)


def _elsewhere(report: Report, publisher: Publisher, task: TaskState) -> Fault | None:
    """A card stays where it is."""
    shown = task.conversation.channel
    if report.target and report.target != task.target:
        known = f"{task.target}, as in the task's first event" if task.target else "no target, as in its first event"
        return Fault(reason="other_channel", pointer="/target", expected=known)
    if report.channel and report.channel != shown:
        return Fault(reason="other_channel", pointer="/channel", expected=f"{shown}, where the task is shown already")
    return None


def _born(incoming: Incoming, publisher: Publisher, task_id: str, now: datetime) -> TaskState:
    report = incoming.report
    conversation = place_of(report, publisher)
    return TaskState(
        id=id_of(publisher, conversation, task_id),
        task=publisher.name,
        target=report.target,
        title=publisher.title,
        conversation=conversation,
        requested_by=Person(publisher.workspace, ""),
        requested_at=now,
        status="queued",
        queued_at=now,
        external=External(publisher=publisher.name, task_id=task_id, title="", seen_at=now, silent_at=now, gone_at=now),
    )


def _come_back(task: TaskState) -> TaskState:
    return replace(
        task, status="running", attempt=task.attempt + 1, percent=0, step="", steps=(), started_at=None, ended_at=None,
        failure=None,
    )  # fmt: skip


def _moved(before: TaskState, incoming: Incoming, publisher: Publisher, sequence: int, now: datetime) -> Admitted:
    report = incoming.report
    status: Status = report.state or ("running" if report.percent is not None else before.status)
    percent = max(before.percent, int(report.percent or 0))
    state = replace(
        before,
        status=status,
        percent=100 if status == "succeeded" else percent,
        started_at=before.started_at or (now if status == "running" else None),
        silent_since=None,
        silent_seconds=0,
        external=_external(before, incoming, publisher, sequence, status, now),
    )
    state = _with_step(state, text(report.step, LONGEST_NAME))
    if status in FINAL_STATUSES:
        state = _ended(state, report, now)
    return Admitted(_event(before, state), fitted(state))


def _external(
    before: TaskState, incoming: Incoming, publisher: Publisher, sequence: int, status: Status, now: datetime
) -> External:
    report, known = incoming.report, before.external
    assert known is not None  # noqa: S101 - whoever calls has one
    buttons = report.buttons
    if buttons is None:
        # What could be pressed while it ran leads nowhere once it has ended.
        buttons = () if status in FINAL_STATUSES else known.buttons
    return replace(
        known,
        title=text(report.title, LONGEST_TITLE) or known.title,
        owner=text(report.owner, LONGEST_NAME) or known.owner,
        links=known.links if report.links is None else report.links,
        buttons=buttons,
        buttons_from=known.buttons_from if buttons == known.buttons else sequence,
        seen_at=now,
        silent_at=now + timedelta(seconds=publisher.silent_after_seconds),
        gone_at=now + timedelta(seconds=publisher.gone_after_seconds),
        sequence=report.sequence or known.sequence,
        stored_at=incoming.stored_at or known.stored_at,
        stored=incoming.stored or known.stored,
        ids=(*known.ids, incoming.digest)[-IDS_KEPT:] if incoming.digest else known.ids,
    )


def _with_step(state: TaskState, name: str) -> TaskState:
    if not name or name == state.step:
        return state
    return replace(state, step=name, steps=(*state.steps, Step(name, state.percent))[-STEPS_KEPT:])


def _ended(state: TaskState, report: Report, now: datetime) -> TaskState:
    result = Result(summary=text(report.summary, LONGEST_SENTENCE)) if state.status == "succeeded" else None
    failure = None
    if state.status == "failed":
        sentence = text(report.error or report.summary, LONGEST_SENTENCE) or NO_REASON
        failure = Failure(code="reported", sentence=sentence, step=state.step)
    return replace(state, ended_at=now, result=result, failure=failure)


def _event(
    before: TaskState, state: TaskState
) -> Literal["reported", "step", "progressed", "succeeded", "failed", "cancelled"]:
    match state.status:
        case "succeeded" | "failed" | "cancelled":
            return state.status
    looks = [(one.external.title, one.external.owner, one.external.links, one.external.buttons) for one in
             (before, state) if one.external]  # fmt: skip
    if looks[0] != looks[1] or before.status != state.status or before.silent_since is not None:
        return "reported"
    return "step" if before.steps != state.steps else "progressed"


def text(said: str, limit: int) -> str:
    """One line of what a publisher said, cut to size."""
    flat = _CONTROL.sub(" ", said).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
