"""`opsloop task`: tasks as an operator sees them, without Slack.

Lists come from the projection, a task from its newest event. A cancel or a retry is a request like any other; its
answer is stored, and read from there.
"""

import asyncio
import getpass
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypedDict

import msgspec

from opsloop_cli.arguments import Arguments
from opsloop_cli.dead_letters import plain
from opsloop_cli.stack import REACH_SECONDS, reach
from opsloop_common import codec, commands
from opsloop_common.answers import AnswerState, MovedBody, RefusalReason, RefusedBody
from opsloop_common.bus import Bus, BusError
from opsloop_common.commands import CancelTask, RetryTask
from opsloop_common.events import Status, TaskState
from opsloop_common.people import OPERATORS, Conversation, Person
from opsloop_common.runtime import CannotStart
from opsloop_common.settings import Environment
from opsloop_common.subjects import Subjects, is_id, make_id

NOTHING = "no tasks"
ANSWER_SECONDS = 10.0
END_SECONDS = 15.0
LOOK_SECONDS = 0.05

REFUSALS: dict[RefusalReason, str] = {
    "not_verified": "it is for verified people only, and nobody can tell who an operator is: retry it in Slack",
    "button_outdated": "it moved meanwhile: look at it again",
    "not_failed": "it has not failed",
    "cancel_too_late": "it has ended already",
    "already_running": "an equal task is queued or running already",
    "queue_full": "too many tasks wait for its target already",
    "not_permitted": "the catalogue no longer has it",
    "too_late": "the request waited too long",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A task in the projection, as far as a list shows it."""

    id: str
    task: str
    target: str
    status: Status
    attempt: int
    by: Person
    since: datetime


class _Request(TypedDict):
    """What every request of an operator carries."""

    request_id: str
    actor: Person
    conversation: Conversation
    asked_at: datetime


class Found(msgspec.Struct, frozen=True):
    """A task and the sequence of its newest event."""

    task: TaskState
    sequence: int


async def run(environment: Mapping[str, str], asked: Arguments) -> int:
    """Prints what was asked. Raises CannotStart, SettingsError."""
    env = Environment(environment)
    url, subjects = env.text("NATS_URL", "nats://127.0.0.1:4222"), env.root()
    env.check()
    bus = await reach(url, REACH_SECONDS)
    try:
        print("\n".join(await _done(Tasks(bus, subjects), asked)))
    except BusError as error:
        raise CannotStart(f"the broker did not do it: {error}") from error
    finally:
        await bus.close()
    return 0


async def _done(tasks: "Tasks", asked: Arguments) -> list[str]:
    match asked.action:
        case "list":
            rows = await tasks.rows(asked.target)
            return [_json(rows)] if asked.json else [line(row) for row in rows] or [NOTHING]
        case "show":
            found = await tasks.task(asked.task)
            return [_json(found.task)] if asked.json else shown(found)
        case "cancel":
            task = await tasks.cancel(asked.task)
        case _:
            task = await tasks.retry(asked.task)
    return [_json(task)] if asked.json else [outcome(task)]


class Tasks:
    def __init__(self, bus: Bus, subjects: Subjects) -> None:
        self._bus = bus
        self._subjects = subjects
        self._operator = Person(OPERATORS, f"operator:{getpass.getuser()}")

    async def rows(self, target: str) -> list[Row]:
        """Open tasks and those that ended lately, the oldest first; of one target, or of all (empty)."""
        bucket = self._subjects.bucket("TASKS")
        stored = await self._bus.newest_of_each(f"KV_{bucket}", f"$KV.{bucket}.>")
        rows = [codec.decode(one.data, Row) for one in stored if one.data]
        return sorted((row for row in rows if target in ("", row.target)), key=lambda row: (row.since, row.id))

    async def task(self, id: str) -> Found:
        """Raises CannotStart when there is none."""
        state, sequence = await self._newest(id) if is_id(id) else (None, 0)
        if not isinstance(state, TaskState):
            raise CannotStart(f"there is no task {plain(id)}: `opsloop task list` shows them")
        return Found(state, sequence)

    async def cancel(self, id: str) -> TaskState:
        """The task once it has ended, or after a while as it is then. Raises CannotStart when it is refused."""
        found = await self.task(id)
        await self._ask(CancelTask(task_id=id, drawn_at=found.sequence, **self._request(found.task)))
        give_up_at = time.monotonic() + END_SECONDS
        while True:
            task = (await self.task(id)).task
            if task.is_settled or time.monotonic() > give_up_at:
                return task
            await asyncio.sleep(LOOK_SECONDS)

    async def retry(self, id: str) -> TaskState:
        """The task in its next attempt. Raises CannotStart when it is refused."""
        found = await self.task(id)
        await self._ask(RetryTask(task_id=id, drawn_at=found.sequence, **self._request(found.task)))
        return (await self.task(id)).task

    def _request(self, task: TaskState) -> "_Request":
        request_id = make_id(task.conversation, "operator", self._operator.user, secrets.token_hex(8))
        return _Request(
            request_id=request_id,
            actor=self._operator,
            conversation=task.conversation,
            asked_at=datetime.now(UTC),
        )

    async def _ask(self, command: CancelTask | RetryTask) -> None:
        """Returns when the request moved the task. Raises CannotStart."""
        subject = self._subjects.command(commands.VERBS[type(command)])
        message = codec.envelope(
            id=command.request_id,
            source="opsloop/cli",
            type=codec.command_type(command),
            time=command.asked_at,
            subject=command.request_id,
            data=command,
        )
        await self._bus.publish(subject, codec.encode(message), message_id=command.request_id)
        match (await self._answer(command.request_id)).body:
            case MovedBody():
                return
            case RefusedBody(reason=reason):
                raise CannotStart(f"{command.task_id} was not changed: {REFUSALS.get(reason, reason)}")
            case _:
                raise CannotStart(f"{command.task_id}: an answer that this version does not know")

    async def _answer(self, id: str) -> AnswerState:
        give_up_at = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < give_up_at:
            state, _ = await self._newest(id)
            if isinstance(state, AnswerState):
                return state
            await asyncio.sleep(LOOK_SECONDS)
        raise CannotStart(
            f"the request is stored, but no orchestrator answered within {ANSWER_SECONDS:.0f} s: it will when one runs"
        )

    async def _newest(self, id: str) -> tuple[TaskState | AnswerState | None, int]:
        stored = await self._bus.last(self._subjects.stream("EVT"), self._subjects.events_of(id))
        return (None, 0) if stored is None else (codec.decode_event(stored.data).data, stored.sequence)


def line(row: Row) -> str:
    """A task in a line."""
    return plain(
        f"{row.id}  {row.since:%Y-%m-%d %H:%M:%S}  {row.status:<9}  {row.task} for {row.target}, "
        f"attempt {row.attempt}, by {row.by.user}"
    )


def shown(found: Found) -> list[str]:
    """Everything about a task that a person asks for, a line each."""
    task = found.task
    pairs = {
        "id": task.id,
        "task": f"{task.task} for {task.target}",
        "status": _status(task),
        "attempt": str(task.attempt),
        "by": task.tried_by.user,
        "asked": task.requested_at.isoformat(),
        "ended": task.ended_at.isoformat() if task.ended_at else "",
        "params": ", ".join(f"{name}={value}" for name, value in task.params.items()),
        "steps": ", ".join(step.name for step in task.steps),
        "owner": task.owner,
        "failure": f"{task.failure.code}: {task.failure.sentence}" if task.failure else "",
        "result": task.result.summary if task.result else "",
        "event": str(found.sequence),
    }
    return [plain(f"{name:<8} {value}") for name, value in pairs.items() if value]


def outcome(task: TaskState) -> str:
    """What became of a request, in a line."""
    return plain(f"{task.id}  {task.task} for {task.target}: {_status(task)}, attempt {task.attempt}")


def _status(task: TaskState) -> str:
    if task.is_open and task.cancelled_by is not None:
        return f"{task.status}, being cancelled"
    return f"{task.status} at {task.percent}%" if task.status == "running" else task.status


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
