"""What a person asks: commands, named in the imperative. Each becomes one task, one move of a task, or one answer.

`CountClick` alone asks for nothing: a link button was clicked, and that is counted.
"""

from datetime import datetime
from typing import Literal

import msgspec

from opsloop_common.events import Envelope
from opsloop_common.people import Conversation, Person


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


class CancelTask(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Stop a queued or running task. `drawn_at` is the sequence of the state the button was drawn from."""

    task_id: str
    drawn_at: int


class ConfirmHappened(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A task whose outcome is unknown took effect, says a person. `drawn_at` is as in a retry."""

    task_id: str
    drawn_at: int


class RunAgain(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A task whose outcome is unknown took no effect, says a person: run it again. `drawn_at` is as in a retry."""

    task_id: str
    drawn_at: int


class PressButton(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Press one of the buttons (1, 2, …) that a publisher gave its task. `drawn_at` as with the others."""

    task_id: str
    drawn_at: int
    button: int


class ShowLogs(Command, frozen=True, kw_only=True, omit_defaults=True):
    task_id: str


class ShowStatus(Command, frozen=True, kw_only=True, omit_defaults=True):
    target: str


class ShowTargets(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Every target with what is going on there."""


class ShowMetric(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A metric of the catalogue for a target, with its course. `metric` is the metric's name, `target` as typed."""

    metric: str
    target: str


class ShowTasks(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Running, queued and recent tasks, of one target or (empty) of all."""

    target: str = ""


class ShowTask(Command, frozen=True, kw_only=True, omit_defaults=True):
    """One task. `task_id` as typed."""

    task_id: str


class ShowHome(Command, frozen=True, kw_only=True, omit_defaults=True):
    """The person opened the app's own page. The conversation is the person: `channel` is the user id."""


class ShowHelp(Command, frozen=True, kw_only=True, omit_defaults=True):
    """Help. `unknown_word` is the first word of a command nobody knows."""

    unknown_word: str = ""


class ExplainButton(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A click led nowhere: tell the person what to do.

    `unknown`: this installation did not draw the button, or no longer knows it. `no_form`: the form for the task's
    parameters could not be opened in time.
    """

    action: str
    reason: Literal["unknown", "no_form"] = "unknown"


class TellStored(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A request was stored after its person had been told that it failed. It asks that its message says so.

    `stored_id` is the id of that request, whose actor and conversation this has, too.
    """

    stored_id: str


class CountClick(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A link button was clicked. It is counted, nothing else."""

    action: str


AnyCommand = (
    RunTask
    | RetryTask
    | CancelTask
    | PressButton
    | ConfirmHappened
    | RunAgain
    | ShowLogs
    | ShowStatus
    | ShowTargets
    | ShowMetric
    | ShowTasks
    | ShowTask
    | ShowHome
    | ShowHelp
    | ExplainButton
    | TellStored
    | CountClick
)
CommandMessage = Envelope[AnyCommand]

VERBS: dict[type, str] = {
    RunTask: "run",
    RetryTask: "retry",
    CancelTask: "cancel",
    PressButton: "press",
    ConfirmHappened: "happened",
    RunAgain: "rerun",
    ShowLogs: "logs",
    ShowStatus: "status",
    ShowTargets: "targets",
    ShowMetric: "metric",
    ShowTasks: "tasks",
    ShowTask: "task",
    ShowHome: "home",
    ShowHelp: "help",
    ExplainButton: "explain",
    TellStored: "late",
    CountClick: "count",
}
