"""Answers: what is said to one request. An answer's id is its request's; its last event is what is shown."""

from datetime import datetime
from typing import Literal

import msgspec

from opsloop_common.events import Envelope, Status
from opsloop_common.measures import Measure, Trend
from opsloop_common.people import Conversation, IdentityReason, Person


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


class TaskRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task in a list. `sequence` is that of the state it was taken from, `at` that state's time.

    `title` is what another system calls a task of its own.
    """

    id: str
    task: str
    target: str
    status: Status
    by: Person
    at: datetime
    sequence: int
    attempt: int = 1
    cancelling: bool = False
    title: str = ""


class TargetRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target in a list: how many tasks are open there, and the newest one, open or not."""

    target: str
    title: str
    running: int = 0
    queued: int = 0
    newest: TaskRow | None = None


class HelpBody(msgspec.Struct, frozen=True, kw_only=True, tag="help", omit_defaults=True):
    """What can be asked. `words` are those for metrics: `task` is the word, `title` the metric's title."""

    command: str
    offers: tuple[Offer, ...]
    targets: tuple[str, ...]
    unknown_word: str = ""
    words: tuple[Offer, ...] = ()


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


class TargetsBody(msgspec.Struct, frozen=True, kw_only=True, tag="targets"):
    """Every target with its state."""

    command: str
    rows: tuple[TargetRow, ...]


class TasksBody(msgspec.Struct, frozen=True, kw_only=True, tag="tasks", omit_defaults=True):
    """Tasks that run, those that wait, and the last that ended (newest first), of one target or of all (empty)."""

    command: str
    target: str = ""
    running: tuple[TaskRow, ...] = ()
    queued: tuple[TaskRow, ...] = ()
    ended: tuple[TaskRow, ...] = ()


class TaskBody(msgspec.Struct, frozen=True, kw_only=True, tag="task", omit_defaults=True):
    """One task. `said` is its result's summary or its failure's sentence."""

    row: TaskRow
    percent: int = 0
    said: str = ""


class MetricBody(msgspec.Struct, frozen=True, kw_only=True, tag="metric", omit_defaults=True):
    """A metric of a target: its value now, and its course where there is one."""

    target: str
    title: str
    measure: Measure
    trend: Trend | None = None


class HomeBody(msgspec.Struct, frozen=True, kw_only=True, tag="home", omit_defaults=True):
    """The app's own page for one person: their open tasks (newest first) and those that ended lately."""

    command: str
    open: tuple[TaskRow, ...] = ()
    ended: tuple[TaskRow, ...] = ()


class LogsBody(msgspec.Struct, frozen=True, kw_only=True, tag="logs"):
    """The end of a task's log is to be shown to the person who asked."""

    task_id: str
    task: str
    target: str


RefusalReason = Literal[
    "too_late",  # the request waited longer than `start_within`
    "button_outdated",  # drawn before the task's current attempt, or already used
    "button_unknown",  # this installation has no such task or card, or not in this conversation
    "no_form",  # the form for the task's parameters could not be opened in time: click again
    "bad_params",  # see problems
    "already_running",  # an equal task is queued or running: see task_id
    "queue_full",  # a hundred tasks already wait for this target
    "not_permitted",  # the task's run_by does not name this person
    "not_verified",  # the task is sensitive and this person is not verified: see identity
    "no_identity",  # the task is sensitive and nobody could tell now who this is: see identity
    "not_yours",  # only whoever started the attempt, or an owner, may retry or cancel it
    "not_failed",  # nothing to retry
    "cancel_too_late",  # it has ended: see status
    "no_such_task",  # no task has the id that was typed: see given
]


DENIALS: frozenset[RefusalReason] = frozenset({"not_permitted", "not_verified", "no_identity", "not_yours"})
"""The refusals that rest on who somebody is: the events named `denied`."""


class ParamProblem(msgspec.Struct, frozen=True):
    """What is wrong with a parameter; `sentence` names what would be right."""

    param: str
    sentence: str


class RefusedBody(msgspec.Struct, frozen=True, kw_only=True, tag="refused", omit_defaults=True):
    """No, and why. `contact` is whom to ask, in the catalogue's words; `owners` are user ids."""

    reason: RefusalReason
    command: str
    task: str = ""
    target: str = ""
    task_id: str = ""
    identity: IdentityReason = ""
    status: Status | None = None
    given: str = ""
    problems: tuple[ParamProblem, ...] = ()
    contact: str = ""
    owners: tuple[str, ...] = ()

    @property
    def is_denial(self) -> bool:
        """Whether it rests on who the person is."""
        return self.reason in DENIALS


class MovedBody(msgspec.Struct, frozen=True, kw_only=True, tag="moved"):
    """The request moved an existing task; that task's own message shows it, so this answer has no message."""

    task_id: str
    event: str


class PressedBody(msgspec.Struct, frozen=True, kw_only=True, tag="pressed"):
    """The press was handed on. `publisher` is the title of whoever gave the task its buttons."""

    task_id: str
    publisher: str
    label: str


AnswerBody = (
    HelpBody
    | StatusBody
    | TargetsBody
    | TasksBody
    | TaskBody
    | MetricBody
    | HomeBody
    | UnknownNameBody
    | LogsBody
    | RefusedBody
    | MovedBody
    | PressedBody
)


class AnswerState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one request. Its id is the request's; that of the app's page belongs to the person, and lasts.

    `verb` is that of the command it answers; empty where no command was given (a follow-up that was denied).
    `visibility`: a message for everybody in the conversation, for `to` alone, on the app's page of `to`, or none.
    `stored_late`: `to` was told of a failure, and the request was stored all the same.
    """

    id: str
    to: Person
    conversation: Conversation
    answered_at: datetime
    body: AnswerBody
    visibility: Literal["conversation", "private", "home", "none"]
    answer_url: str = ""
    verb: str = ""
    stored_late: bool = False


AnswerEvent = Envelope[AnswerState]
