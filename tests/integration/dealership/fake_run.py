"""A `Run` without OpsLoop: checkpoints in a dictionary, written and read back as JSON like the real ones."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, get_type_hints

import msgspec

from opsloop_common.measures import Measure, Series
from opsloop_common.task import STEP_RESULT_LIMIT_BYTES, Target, TaskFailed

T = TypeVar("T")
TOKEN = "good-token"


class Crash(BaseException):
    """The process died: like a kill, no `except Exception` sees it."""


class FakeRun:
    def __init__(self, target: Target, *, crash_after: str | None = None, token: str = TOKEN) -> None:
        self.task_id = "07-test"
        self.attempt = 1
        self.fence = 7
        self.target = target
        self.params: dict[str, str] = {}
        self.settings: dict[str, Any] = {}
        self.measures: dict[str, Measure] = {}
        self.courses: dict[str, Series] = {}
        self.earlier_results: dict[tuple[str, str], bytes] = {}
        self.crash_after = crash_after
        self.token = token
        self.checkpoints: dict[str, bytes] = {}
        self.steps_run: list[str] = []
        self.percents: list[int] = []
        self.lines: list[str] = []
        self.failed_at: str | None = None

    def secret(self, name: str) -> str:
        if name != "content_token":
            raise TaskFailed("secret_missing", f"no secret {name}")
        return self.token

    def idempotency_key(self, step: str) -> str:
        return f"{self.task_id}:{self.attempt}:{step}"

    def log(self, line: str) -> None:
        self.lines.append(line)

    def progress(self, percent: int) -> None:
        self.percents.append(percent)

    async def step(self, name: str, percent: int, function: Callable[[], Awaitable[T]]) -> T:
        result_type = get_type_hints(function)["return"]
        if name not in self.checkpoints:
            self.steps_run.append(name)
            self.failed_at = name
            written = msgspec.json.encode(await function())
            assert len(written) <= STEP_RESULT_LIMIT_BYTES
            if self.crash_after == name:
                raise Crash
            self.checkpoints[name] = written
        self.progress(percent)
        result: T = msgspec.json.decode(self.checkpoints[name], type=result_type)
        return result

    async def measure(self, metric: str) -> Measure:
        return self.measures.get(metric) or Measure(metric=metric, title=metric, unit="number", state="no_data")

    async def series(self, metric: str, *, seconds: float, step_seconds: float) -> Series:
        return self.courses.get(metric) or Series(metric=metric, state="no_data")

    async def earlier(self, task: str, step: str, as_type: type[T]) -> T | None:
        written = self.earlier_results.get((task, step))
        return None if written is None else msgspec.json.decode(written, type=as_type)

    def resumed(self) -> "FakeRun":
        """The same attempt in a new process: the checkpoints stay, the claim is a new one."""
        run = FakeRun(self.target, token=self.token)
        run.checkpoints = dict(self.checkpoints)
        run.fence = self.fence + 1
        return run
