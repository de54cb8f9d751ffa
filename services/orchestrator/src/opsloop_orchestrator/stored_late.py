"""A request that was stored after its person was told of a failure: its message says so. Pure."""

from msgspec.structs import replace

from opsloop_common.answers import AnswerState
from opsloop_common.events import TaskState


def noted(state: TaskState | AnswerState) -> tuple[str, TaskState | AnswerState] | None:
    """The event that says so, with the state it leads to; None where it is said already, or nobody would see it."""
    if state.stored_late:
        return None
    if isinstance(state, TaskState):
        return "stored", replace(state, stored_late=True)
    # A private answer is there or will be; it tells by itself that the request arrived.
    return ("updated", replace(state, stored_late=True)) if state.visibility == "conversation" else None
