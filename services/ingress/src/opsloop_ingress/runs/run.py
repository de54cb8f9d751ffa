"""What the page of a run shows, from the events of its task and its log. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from opsloop_common.events import FollowUp, Status, TaskState
from opsloop_common.measures import Measure
from opsloop_common.people import Person
from opsloop_common.quantities import amount, duration

LOG_LINES_SHOWN = 1_000

SIGNS: dict[Status, tuple[str, str]] = {
    "queued": ("⏳", "Queued"),
    "running": ("▶️", "Running"),
    "succeeded": ("✅", "Completed"),
    "failed": ("❌", "Failed"),
    "cancelled": ("🚫", "Cancelled"),
    "unknown": ("❓", "Outcome unknown"),
}
BECAME = {
    "started": "started",
    "joined": "was under way already",
    "denied": "was not started: not permitted",
    "queue_full": "was not started: too many tasks wait for this target",
}

Name = Callable[[Person], str]
"""What somebody is called."""
Link = Callable[[str], str]
"""The address of another run's page, by task id."""


class Event(msgspec.Struct, frozen=True):
    """An event of the task, as the stream has it."""

    name: str
    at: datetime
    state: TaskState


class StepShown(msgspec.Struct, frozen=True):
    """`at` is None for a step whose event is no longer kept."""

    name: str
    percent: int
    at: datetime | None
    took: str


class NumberShown(msgspec.Struct, frozen=True):
    title: str
    before: str
    after: str


class RunShown(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on the page but the log. Texts are as the task wrote them: whoever writes HTML escapes them."""

    id: str
    task: str
    target: str
    title: str
    sign: str
    word: str
    status: Status
    is_open: bool
    percent: int
    step: str
    attempt: int
    who: str
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    took: str
    said: str
    partial: str
    lines: tuple[str, ...]
    params: dict[str, str]
    steps: tuple[StepShown, ...]
    earlier: tuple[str, ...]
    numbers: tuple[NumberShown, ...]
    parent: tuple[str, str] | None
    follow_ups: tuple[tuple[str, str, str], ...]
    files: tuple[tuple[str, str], ...]


def shown(events: Sequence[Event], name: Name, link: Link, files: Sequence[tuple[str, str]] = ()) -> RunShown:
    """The page's content. `events` are in stream order and not empty; `files` are (name, address)."""
    task = events[-1].state
    sign, word = SIGNS[task.status]
    return RunShown(
        id=task.id,
        task=task.task,
        target=task.target,
        title=task.title if task.title != task.target else "",
        sign=sign,
        word=f"{word}, being cancelled" if task.is_open and task.cancelled_by else word,
        status=task.status,
        is_open=task.is_open,
        percent=100 if task.status == "succeeded" else task.percent,
        step=task.step if task.status == "running" else "",
        attempt=task.attempt,
        who=name(task.tried_by),
        asked_by=name(task.requested_by),
        asked_at=task.requested_at,
        started_at=task.started_at,
        ended_at=task.ended_at,
        took=_between(task.started_at, task.ended_at),
        said=_said(task),
        partial=task.result.partial if task.result else "",
        lines=(*task.result.highlights, *task.result.lines) if task.result else (),
        params=task.params,
        steps=tuple(_steps(events)),
        earlier=tuple(_earlier(events)),
        numbers=tuple(_numbers(task)),
        parent=(task.parent.task, link(task.parent.task_id)) if task.parent else None,
        follow_ups=tuple(_follow_up(one, link) for one in task.follow_ups),
        files=tuple(files),
    )


def _said(task: TaskState) -> str:
    if task.failure:
        return task.failure.sentence
    return task.result.summary if task.result else ""


def _steps(events: Sequence[Event]) -> list[StepShown]:
    """The steps of the newest attempt, with the time each was reported."""
    task = events[-1].state
    told_at: dict[tuple[str, int], datetime] = {}
    for event in events:
        if event.name == "step" and event.state.attempt == task.attempt and event.state.steps:
            last = event.state.steps[-1]
            told_at.setdefault((last.name, last.percent), event.at)
    found, before = [], task.started_at
    for step in task.steps:
        at = told_at.get((step.name, step.percent))
        found.append(StepShown(step.name, step.percent, at, _between(before, at)))
        before = at or before
    return found


def _earlier(events: Sequence[Event]) -> list[str]:
    """How earlier attempts ended."""
    newest = events[-1].state.attempt
    ends = {event.state.attempt: event.state for event in events if not event.state.is_open}
    return [
        f"Attempt {attempt}: {SIGNS[state.status][1].lower()}. {_said(state)}"
        for attempt, state in sorted(ends.items())
        if attempt < newest
    ]


def _numbers(task: TaskState) -> list[NumberShown]:
    before = {one.metric: one for one in task.before}
    after = {one.metric: one for one in task.measures}
    titles = {one.metric: one.title for one in (*task.before, *task.measures)}
    return [NumberShown(title, _number(before.get(key)), _number(after.get(key))) for key, title in titles.items()]


def _number(found: Measure | None) -> str:
    if found is None:
        return "–"
    if found.state == "value":
        return amount(found.value, found.unit)
    return "no data" if found.state == "no_data" else "unavailable"


def _follow_up(one: FollowUp, link: Link) -> tuple[str, str, str]:
    exists = one.outcome in ("started", "joined")
    return one.task, BECAME[one.outcome], link(one.task_id) if exists else ""


def _between(begin: datetime | None, end: datetime | None) -> str:
    return duration((end - begin).total_seconds()) if begin and end else ""
