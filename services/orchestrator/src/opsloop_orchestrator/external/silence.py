"""What becomes of another system's task that gives no sign of life. Pure."""

from datetime import datetime

from msgspec.structs import replace

from opsloop_common.events import Failure, TaskState
from opsloop_common.quantities import duration
from opsloop_orchestrator import moves
from opsloop_orchestrator.moves import Move


def due_at(task: TaskState) -> datetime | None:
    """When somebody has to look at the task again; None once it has ended."""
    if task.external is None or not task.is_open:
        return None
    return task.external.silent_at if task.silent_since is None else task.external.gone_at


def after(task: TaskState, now: datetime) -> Move | None:
    """What the silence so far makes of the task."""
    external = task.external
    if external is None or not task.is_open:
        return None
    if now >= external.gone_at:
        silent = duration((external.gone_at - external.seen_at).total_seconds())
        sentence = f"It has not been heard of for {silent}. It may have ended, or may still run."
        ended = replace(task, silent_since=None, silent_seconds=0, external=replace(external, buttons=()))
        failure = Failure(code="gone", sentence=sentence, step=task.step)
        return Move("unknown", replace(ended, status="unknown", ended_at=now, failure=failure))
    if now >= external.silent_at and task.silent_since is None:
        silent_seconds = (external.silent_at - external.seen_at).total_seconds()
        move = moves.stalled(task, silent_seconds, now)
        return Move(move.event, replace(move.state, silent_since=external.seen_at))
    return None
