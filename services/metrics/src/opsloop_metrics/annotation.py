"""What Grafana is told of a task: one annotation for each attempt, from its start to its end. Pure."""

from datetime import datetime

import msgspec

from opsloop_common.events import TaskState

EVENTS = frozenset({"started", "succeeded", "failed", "cancelled", "unknown"})
"""The events that begin or end what is annotated."""
APP_TAG = "opsloop"
LONGEST_TEXT = 1_000
LONGEST_NAME = 100


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """`begins_ms` and `ends_ms` are Unix milliseconds; an attempt that still runs has no end.

    `tags` are all an annotation carries; those in `identity` tell it from every other.
    """

    identity: tuple[str, ...]
    tags: tuple[str, ...]
    text: str
    begins_ms: int
    ends_ms: int | None


def of(task: TaskState, thread: str) -> Annotation | None:
    """The annotation of the task's newest attempt; None for one that never started. `thread` is its link, or empty."""
    if task.started_at is None:
        return None
    begins_ms = _milliseconds(task.started_at)
    ends_ms = max(_milliseconds(task.ended_at), begins_ms) if task.ended_at and not task.is_open else None
    identity = (f"task_id:{task.id}", f"attempt:{task.attempt}")
    kind = "task_start" if ends_ms is None else "task_end"
    tags = (APP_TAG, kind, f"task:{_name(task.task)}", f"target:{_name(task.target)}", task.status, *identity)
    return Annotation(identity=identity, tags=tags, text=_text(task, thread), begins_ms=begins_ms, ends_ms=ends_ms)


def _text(task: TaskState, thread: str) -> str:
    """Grafana shows it as HTML that it has sanitised: markup of others is made harmless here all the same."""
    said = task.failure.sentence if task.failure else task.result.summary if task.result else ""
    head = f"{_plain(task.task)} for {_plain(task.target)}: {task.status}"
    text = f"{head}. {_plain(said)}" if said else head
    return f"{text[:LONGEST_TEXT]}{_link(thread)}"


def _link(thread: str) -> str:
    is_link = thread.startswith(("https://", "http://")) and not set(thread) & set("\"'<> ")
    return f' <a href="{thread}">Slack thread</a>' if is_link else ""


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _name(text: str) -> str:
    return text[:LONGEST_NAME]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
