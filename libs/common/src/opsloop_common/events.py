"""The messages on the bus: what a person asks (commands), and what became of it (task and answer events).

Every event carries the whole state it led to, so the newest event of a task *is* the task. Commands are named in the
imperative, events in the past participle. A `Conversation` is opaque to everyone but ingress and notifier: compare it,
never take it apart.
"""

from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

from opsloop_common.task import Result

D = TypeVar("D")

STATE_LIMIT_BYTES = 8 * 1024


class Person(msgspec.Struct, frozen=True):
    """Somebody in a workspace, as the chat product vouches for them."""

    workspace: str
    user: str


class Conversation(msgspec.Struct, frozen=True):
    """Where the talk happens. Its hash chooses the shard."""

    workspace: str
    channel: str


# --- commands -------------------------------------------------------------------------------------------------------


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every request carries.

    `request_id` is derived from what identifies the request at its source, so that a second delivery has the same.
    `answer_url` is a capability for private answers: it stays in the command and the answer, and is never logged.
    """

    request_id: str
    actor: Person
    conversation: Conversation
    asked_at: datetime
    answer_url: str = ""
    command: str = ""


class RunTask(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Run a task. By words (`task`, `target` as typed), or from a status card (`task`, `card`)."""

    task: str
    target: str = ""
    card: str = ""
    params: dict[str, str] = {}


class RetryTask(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Try a failed task again. `drawn_at` is the sequence of the state the button was drawn from."""

    task_id: str
    drawn_at: int


class ShowLogs(Command, frozen=True, kw_only=True, omit_defaults=True):
    task_id: str


class ShowStatus(Command, frozen=True, kw_only=True, omit_defaults=True):
    target: str


class ShowHelp(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Help. `unknown_word` is the first word of a command nobody knows."""

    unknown_word: str = ""


class ExplainButton(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody clicked a button this installation did not draw (or no longer knows): tell them what to do."""

    action: str


# --- numbers --------------------------------------------------------------------------------------------------------

MeasureState = Literal["value", "no_data", "unavailable"]
Unit = Literal["usd", "ratio", "number"]


class Measure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number about a target, or that there is none: `no_data` is not 0, and `unavailable` is not `no_data`.

    `at` is the time of the sample; `value` counts only in the state "value".
    """

    metric: str
    title: str
    unit: Unit
    state: MeasureState
    value: float = 0.0
    at: datetime | None = None


class MetricQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the newest value of one of the catalogue's metrics for a target."""

    metric: str
    target: str


class RangeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for a metric over the last `seconds`, one point every `step_seconds`."""

    metric: str
    target: str
    seconds: float
    step_seconds: float


class Point(msgspec.Struct, frozen=True, array_like=True):
    at: datetime
    value: float


class Series(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a RangeQuery; points in order of time, empty unless the state is "value"."""

    metric: str
    state: MeasureState
    points: tuple[Point, ...] = ()


# --- tasks ----------------------------------------------------------------------------------------------------------

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


class TaskState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task. `attempt` counts tries and is shown; `fence` grows with every claim and is not.

    `claims` counts the processes that took up this attempt: more than one means that a process was lost under it.
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
    waits_for: str = ""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None
    failure: Failure | None = None
    result: Result | None = None
    measures: tuple[Measure, ...] = ()
    handled: tuple[Handled, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def tried_by(self) -> Person:
        """Who asked for the current attempt."""
        return self.attempt_by or self.requested_by


# --- answers --------------------------------------------------------------------------------------------------------


class Offer(msgspec.Struct, frozen=True):
    """A task somebody can start."""

    task: str
    title: str
    description: str = ""


class CardRun(msgspec.Struct, frozen=True):
    """A task started from a status card, as the card shows it."""

    task_id: str
    task: str
    status: Status
    by: Person
    sequence: int


class HelpBody(msgspec.Struct, frozen=True, kw_only=True, tag="help", omit_defaults=True):
    command: str
    offers: tuple[Offer, ...]
    targets: tuple[str, ...]
    unknown_word: str = ""


class StatusBody(msgspec.Struct, frozen=True, kw_only=True, tag="status", omit_defaults=True):
    """The status card of a target: what can be started there, and what was started from this card (newest last)."""

    target: str
    title: str
    offers: tuple[Offer, ...]
    runs: tuple[CardRun, ...] = ()
    measures: tuple[Measure, ...] = ()


class UnknownNameBody(msgspec.Struct, frozen=True, kw_only=True, tag="unknown_name", omit_defaults=True):
    """A target or task that the catalogue does not have; `nearest` are the closest names, best first."""

    what: Literal["target", "task"]
    given: str
    nearest: tuple[str, ...]
    command: str


class LogsBody(msgspec.Struct, frozen=True, kw_only=True, tag="logs"):
    """The end of a task's log is to be shown to the person who asked."""

    task_id: str
    task: str
    target: str


RefusalReason = Literal[
    "too_late",  # the request waited longer than `start_within`
    "button_outdated",  # drawn before the task's current attempt, or already used
    "button_unknown",  # this installation has no such task or card, or not in this conversation
    "already_running",  # an equal task is queued or running: see task_id
    "queue_full",  # a hundred tasks already wait for this target
    "not_permitted",
    "not_failed",  # nothing to retry
]


class RefusedBody(msgspec.Struct, frozen=True, kw_only=True, tag="refused", omit_defaults=True):
    reason: RefusalReason
    command: str
    task: str = ""
    target: str = ""
    task_id: str = ""


class MovedBody(msgspec.Struct, frozen=True, kw_only=True, tag="moved"):
    """The request moved an existing task; that task's own message shows it, so this answer has no message."""

    task_id: str
    event: str


AnswerBody = HelpBody | StatusBody | UnknownNameBody | LogsBody | RefusedBody | MovedBody


class AnswerState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one request. Its id is the request's."""

    id: str
    to: Person
    conversation: Conversation
    answered_at: datetime
    body: AnswerBody
    visibility: Literal["conversation", "private", "none"]
    answer_url: str = ""


# --- log lines and dead letters -------------------------------------------------------------------------------------


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


# --- the envelope ---------------------------------------------------------------------------------------------------


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
AnswerEvent = Envelope[AnswerState]
CommandMessage = Envelope[RunTask | RetryTask | ShowLogs | ShowStatus | ShowHelp | ExplainButton]
AnyCommand = RunTask | RetryTask | ShowLogs | ShowStatus | ShowHelp | ExplainButton

VERBS: dict[type, str] = {
    RunTask: "run",
    RetryTask: "retry",
    ShowLogs: "logs",
    ShowStatus: "status",
    ShowHelp: "help",
    ExplainButton: "explain",
}
