"""The events on the bus: what became of a task, log lines, dead letters, and the envelope around every message.

Every event carries the whole state it led to, so the newest event of a task *is* the task. Events are named in the
past participle.
"""

from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

from opsloop_common.external import External
from opsloop_common.measures import Measure
from opsloop_common.people import Conversation, IdentityReason, Person
from opsloop_common.task import Result

D = TypeVar("D")

STATE_LIMIT_BYTES = 8 * 1024

Status = Literal["queued", "running", "succeeded", "failed", "cancelled", "unknown"]

OPEN_STATUSES: frozenset[Status] = frozenset({"queued", "running"})
FINAL_STATUSES: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled", "unknown"})


class Step(msgspec.Struct, frozen=True):
    """A step the task reported as done, in the order of the reports."""

    name: str
    percent: int


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an attempt failed. `sentence` is for the user; `code` for machines."""

    code: str
    sentence: str
    step: str = ""


class Handled(msgspec.Struct, frozen=True):
    """A request that moved this task, and the event it caused."""

    request_id: str
    event: str


class Behind(msgspec.Struct, frozen=True):
    """The task that holds the target another one waits for."""

    task_id: str
    task: str
    by: Person


class Parent(msgspec.Struct, frozen=True):
    """The task that started this one by succeeding."""

    task_id: str
    task: str


class FollowUp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a task that was to start after this one.

    `joined`: an equal task was queued or running already, and `task_id` is that one's. `denied`: the person who
    started the chain may not run it; `reason` says why where their identity is the reason.
    """

    task: str
    task_id: str
    outcome: Literal["started", "joined", "denied", "queue_full"]
    reason: IdentityReason = ""


class TaskState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task. `attempt` counts tries and is shown; `fence` grows with every claim and is not.

    `claims` counts the processes that took up this attempt: more than one means that a process was lost under it.
    `tried_from` is the sequence of the state from which this attempt was asked for (0: the first): a button drawn
    at or before it belongs to an earlier attempt. A queued task that waits for its target says behind what, and at
    which `place` in the line (1 is next); `holds_for` says that it waits for something else. `cancelled_by` is set as
    soon as somebody asked for it: a task that is still running is being stopped, one that succeeded was faster.
    `before` are the target's numbers as the attempt began, `measures` as it ended. `depth` counts the tasks that led
    here by following one another; the person in `requested_by` started the first of them.

    A task with `external` is another system's: nothing of it runs here, `task` is its publisher, `target` may be empty,
    and nobody asked for it here: the user in `requested_by` is empty.

    `turn_at` is when a task that had waited became the first in its line. `tried_again_at` is when a person last asked
    for another attempt; `tries` counts the attempts since a person asked, the current one included, of at most
    `tries_at_most` (0: it is not tried again by itself). A failed task with `retry_at` is tried again then.

    `probing`: its process was lost or stopped, and it is being found out whether it took effect; where it did not, the
    attempt ends as `unless_done` says, or goes on where that says nothing. `confirmed_by` said that it did.

    A running task that is stalled has been silent since `silent_since`, for at least `silent_seconds`. `stored_late`:
    the person who asked for this attempt was told of a failure, and the request was stored all the same.
    """

    id: str
    task: str
    target: str
    title: str
    conversation: Conversation
    requested_by: Person
    requested_at: datetime
    status: Status
    params: dict[str, str] = {}
    card: str = ""
    attempt: int = 1
    attempt_by: Person | None = None
    fence: int = 0
    claims: int = 0
    owner: str = ""
    percent: int = 0
    step: str = ""
    steps: tuple[Step, ...] = ()
    tried_from: int = 0
    behind: Behind | None = None
    place: int = 0
    holds_for: Literal["", "identity"] = ""
    cancelled_by: Person | None = None
    cancel_at: datetime | None = None
    parent: Parent | None = None
    depth: int = 0
    follow_ups: tuple[FollowUp, ...] = ()
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None
    failure: Failure | None = None
    result: Result | None = None
    before: tuple[Measure, ...] = ()
    measures: tuple[Measure, ...] = ()
    handled: tuple[Handled, ...] = ()
    turn_at: datetime | None = None
    tried_again_at: datetime | None = None
    tries: int = 1
    tries_at_most: int = 0
    retry_at: datetime | None = None
    probing: bool = False
    unless_done: Failure | None = None
    confirmed_by: Person | None = None
    silent_since: datetime | None = None
    silent_seconds: float = 0
    external: External | None = None
    stored_late: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the current attempt has not ended."""
        return self.status in OPEN_STATUSES

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens to the task unless a person asks for it."""
        return not self.is_open and self.retry_at is None

    @property
    def tried_by(self) -> Person:
        """Who asked for the current attempt."""
        return self.attempt_by or self.requested_by


class LogLine(msgspec.Struct, frozen=True):
    """One line of a task's log; redacted and cut before it gets here."""

    at: datetime
    attempt: int
    line: str


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be processed, with the reason and where it stood."""

    service: str
    reason: str
    subject: str
    stream: str
    sequence: int
    data: bytes
    at: datetime


class Envelope(msgspec.Struct, Generic[D], frozen=True, kw_only=True, omit_defaults=True):
    """A CloudEvent 1.0 in JSON. `causedby` names the request or event that led to this one."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str
    data: D
    specversion: str = ""
    datacontenttype: str = ""
    causedby: str = ""
    traceparent: str = ""


TaskEvent = Envelope[TaskState]
