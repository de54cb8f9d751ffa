"""Fences: whoever comes with a lower one than was seen before for the same task is of the past, and is refused.

A task is read from the idempotency key, `<task>:<attempt>:<step>`.
"""

from starlette.requests import Request

NO_FENCE = 0


class MalformedFence(ValueError):
    """`X-Fence` is not a whole number."""


class Fences:
    def __init__(self) -> None:
        self._highest: dict[str, int] = {}

    def note(self, task: str, fence: int) -> None:
        self._highest[task] = max(fence, self._highest.get(task, NO_FENCE))

    def objection(self, task: str, fence: int) -> str | None:
        """Why a caller is refused, if it is. One that brings no fence makes no claim."""
        highest = self._highest.get(task, NO_FENCE)
        if fence == NO_FENCE or fence >= highest:
            return None
        return f"fence {fence} is of the past: {highest} was here for this task"


def task_in(key: str) -> str:
    return key.partition(":")[0]


def fence_of(request: Request) -> int:
    """Raises MalformedFence."""
    given = request.headers.get("x-fence")
    if given is None:
        return NO_FENCE
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise MalformedFence(given)
    return int(given)
