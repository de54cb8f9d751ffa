"""Which messages a task's state wants to be visible, given which already are. Pure.

A task has one anchor and, per attempt, replies in its thread: milestones, then the end. Milestones are crossed, never
matched exactly. What is due at once is one reply, kept under the slot of its highest milestone or of the end; a slot
that is settled settles the milestones below it.
"""

import enum
from collections.abc import Collection
from typing import TypeAlias

import msgspec

from opsloop_common.answers import AnswerState, StatusBody
from opsloop_common.events import FINAL_STATUSES, TaskState

ANCHOR = "anchor"
PRIVATE = "private"
TOLD = "told"
"""No message in Slack: another system was told that its task's card is up."""
MILESTONES = (20, 40, 60, 80)
END = "end"
CONFIRMED = "confirmed"
MENTION_AFTER_SECONDS = 60.0


class Urgency(enum.IntEnum):
    """What goes first when not everything may go now."""

    FINAL = 0
    FAILURE = 1
    FIRST_POST = 2
    MILESTONE = 3
    PROGRESS = 4


class Event(msgspec.Struct, frozen=True):
    """A state and the sequence of the event that led to it."""

    sequence: int
    state: TaskState | AnswerState

    @property
    def is_final(self) -> bool:
        return isinstance(self.state, TaskState) and self.state.status in FINAL_STATUSES


class Milestone(msgspec.Struct, frozen=True):
    """`name` is that of the first reported step at or above it; empty if there is none."""

    percent: int
    name: str


class Reply(msgspec.Struct, frozen=True):
    """One message in the thread. `is_end` includes the milestones that were not posted before it.

    `is_confirmation`: somebody said how an attempt ended whose outcome was unknown.
    """

    slot: str
    attempt: int
    milestones: tuple[Milestone, ...]
    is_end: bool
    is_confirmation: bool = False


Settled: TypeAlias = Collection[str]
"""The slots of a task whose messages are visible, or were given up for good."""


def due_reply(task: TaskState, settled: Settled) -> Reply | None:
    """The reply that the thread still lacks for this state's attempt."""
    if _slot(task.attempt, END) in settled:
        return _confirmation(task, settled)
    reached = 100 if task.status == "succeeded" else task.percent
    posted = max((mark for mark in MILESTONES if _slot(task.attempt, mark) in settled), default=0)
    due = tuple(Milestone(mark, _name(task, mark)) for mark in MILESTONES if posted < mark <= reached)
    if task.status in FINAL_STATUSES:
        return Reply(_slot(task.attempt, END), task.attempt, due, is_end=True)
    if due and task.status == "running":
        return Reply(_slot(task.attempt, due[-1].percent), task.attempt, due, is_end=False)
    return None


def _confirmation(task: TaskState, settled: Settled) -> Reply | None:
    slot = _slot(task.attempt, CONFIRMED)
    if task.confirmed_by is None or slot in settled:
        return None
    return Reply(slot, task.attempt, (), is_end=False, is_confirmation=True)


def is_thread_slot(slot: str) -> bool:
    return slot not in (ANCHOR, PRIVATE, TOLD)


def mentions(task: TaskState) -> bool:
    """Whether the end of this attempt calls the person who started it."""
    if not task.tried_by.user:
        return False
    if task.status == "failed":
        # One that is tried again by itself needs nobody yet.
        return task.retry_at is None
    if task.started_at is None or task.ended_at is None:
        return False
    return (task.ended_at - task.started_at).total_seconds() > MENTION_AFTER_SECONDS


def anchor_urgency(event: Event, *, is_posted: bool) -> Urgency:
    if event.is_final:
        return end_urgency(event)
    return Urgency.PROGRESS if is_posted else Urgency.FIRST_POST


def reply_urgency(event: Event) -> Urgency:
    return end_urgency(event) if event.is_final else Urgency.MILESTONE


def end_urgency(event: Event) -> Urgency:
    succeeded = isinstance(event.state, TaskState) and event.state.status == "succeeded"
    return Urgency.FINAL if succeeded else Urgency.FAILURE


def tasks_without_link(event: Event, links: Collection[str]) -> list[str]:
    """The tasks a card tells of, and that have one of their own, which is not known yet."""
    return [task_id for task_id in _told_of(event.state) if task_id not in links]


def _told_of(state: TaskState | AnswerState) -> list[str]:
    if isinstance(state, AnswerState):
        return [run.task_id for run in state.body.runs] if isinstance(state.body, StatusBody) else []
    behind = [state.behind.task_id] if state.behind and state.status == "queued" else []
    parent = [state.parent.task_id] if state.parent else []
    # One that was denied, or found no room, never existed.
    after = [one.task_id for one in state.follow_ups if one.outcome in ("started", "joined")]
    return [*behind, *parent, *after]


def _slot(attempt: int, name: int | str) -> str:
    return f"{attempt}-{name}"


def _name(task: TaskState, milestone: int) -> str:
    return next((step.name for step in task.steps if step.percent >= milestone), "")
