"""What a task pack sees: the `Run` it is given, the `Result` it returns, the `TaskFailed` it raises.

A task is an async function found by the entry point group `opsloop.tasks`:

    async def schema_fix(run: Run) -> Result: ...

A task that somebody cancels is told by asyncio.CancelledError, raised where it waits. It has `cancel_grace_seconds` of
the catalogue to clean up; then its process is stopped.

A task whose effect is `at_most_once` may have a probe, found under the same name by the group `opsloop.probes`:

    async def schema_fix(run: Run) -> bool | None: ...

It is asked when the task's process was lost, before a person is: True, it took effect; False, it did not, run it again;
None, nobody can tell. It only looks, and is asked again if its own process is lost.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec

from opsloop_common.measures import Measure, Series, Trend

T = TypeVar("T")

ENTRY_POINT_GROUP = "opsloop.tasks"
PROBE_ENTRY_POINT_GROUP = "opsloop.probes"
STEP_RESULT_LIMIT_BYTES = 256 * 1024


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a task works on, as the catalogue describes it.

    `settings` and `profile` belong to the task pack: OpsLoop carries them unread. `secrets` maps the name a task
    asks for to the environment variable that holds it (or whose `_FILE` variant names the file that does).
    """

    name: str
    title: str
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    profile: dict[str, Any] = {}


class ResultFile(msgspec.Struct, frozen=True, kw_only=True):
    """A text file that a step left in its result: `path` are the names that lead to it there."""

    name: str
    step: str
    path: tuple[str, ...]


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a finished task says. Plain text; the notifier escapes it.

    One sentence (`summary`), up to six lines that stand on the card itself (`highlights`), and those that back it up,
    in the thread (`lines`). `trend` is drawn on the card. `figures` are numbers about the target which the metrics
    service exports under these names, labelled with the target; a name is `[a-z][a-z0-9_]*`. `partial` says, in a
    sentence, what could not be done; empty when all was. `files` can be had from the run's page, as long as its
    checkpoints are kept.
    """

    summary: str
    lines: tuple[str, ...] = ()
    highlights: tuple[str, ...] = ()
    trend: Trend | None = None
    figures: dict[str, float] = {}
    partial: str = ""
    files: tuple[ResultFile, ...] = ()


class TaskFailed(Exception):
    """A failure the task pack foresaw.

    `code` names the failure class. `sentence` is what the user reads: what failed, at which step, what to do; the
    text `{step}` in it becomes the step it happened at, as in "step 3 (Processing)".
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Run(Protocol):
    """One attempt at one task."""

    @property
    def task_id(self) -> str: ...

    @property
    def attempt(self) -> int:
        """Counts tries, from 1."""

    @property
    def fence(self) -> int:
        """Grows with every claim of the task; an outside system that keeps the highest can refuse older ones."""

    @property
    def target(self) -> Target: ...

    @property
    def params(self) -> dict[str, str]:
        """The task's parameters, checked against the catalogue; one that was not given has its default."""

    @property
    def settings(self) -> dict[str, Any]:
        """The task type's own `settings` table of the catalogue, unread by OpsLoop."""

    def secret(self, name: str) -> str:
        """The secret the target calls `name`. Raises TaskFailed("secret_missing") naming the variable to set."""

    def idempotency_key(self, step: str) -> str:
        """`<task_id>:<attempt>:<step>`: the same for every repetition of this step within this attempt."""

    def log(self, line: str) -> None:
        """Adds a line to the task's log. Never waits."""

    def progress(self, percent: int) -> None:
        """Reports where the task is, 0 to 100. Report as often as you like: the newest value is shown."""

    async def step(self, name: str, percent: int, function: Callable[[], Awaitable[T]]) -> T:
        """Runs a step, keeps its result as a checkpoint and reports `percent` when it is done.

        A resumed attempt gets the kept result without running the step again. The result must be what msgspec
        can write as JSON, at most 256 KiB; annotate the function's return type to get it back as that type.
        Step names are unique within a task.
        """

    async def measure(self, metric: str) -> Measure:
        """The newest value of one of the catalogue's metrics for the target; never raises for want of one."""

    async def series(self, metric: str, *, seconds: float, step_seconds: float) -> Series:
        """The metric's course over the last `seconds`; its state says when there is none, or nobody to ask."""

    async def earlier(self, task: str, step: str, as_type: type[T]) -> T | None:
        """What a step of the newest run of `task` that succeeded for this target returned; None if there is none.

        Runs are looked back at for seven days. Raises TaskFailed when the record no longer fits the type.
        """
