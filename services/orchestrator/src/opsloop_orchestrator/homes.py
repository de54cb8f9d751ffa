"""The app's own page of a person: opened, it lists their tasks; from then on it follows them.

A page is an answer under an id that belongs to the person. Its newest event is what the page shows.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from opsloop_common.answers import AnswerState, HomeBody, TaskRow
from opsloop_common.commands import ShowHome
from opsloop_common.events import TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import make_id
from opsloop_orchestrator import lists
from opsloop_orchestrator.decide import row_of
from opsloop_orchestrator.journal import Journal


def home_id(person: Person) -> str:
    return make_id(Conversation(person.workspace, person.user), "home")


class Homes:
    def __init__(self, journal: Journal, command: str, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._command = command
        self._clock = clock

    async def open(self, asked: ShowHome, rows: list[TaskRow]) -> None:
        """Draws the page anew, unless that was done since it was asked for. Raises Conflict when something happened
        on it meanwhile."""
        id = home_id(asked.actor)
        found = await self._journal.find(id)
        if found and isinstance(found.state, AnswerState) and found.state.answered_at >= asked.asked_at:
            return
        own = [row for row in rows if row.by == asked.actor]
        state = AnswerState(
            id=id,
            to=asked.actor,
            conversation=asked.conversation,
            answered_at=self._clock(),
            body=lists.home(self._command, own),
            visibility="home",
        )
        await self._journal.append("updated", state, found.sequence if found else 0, caused_by=asked.request_id)

    async def show(self, task: TaskState, sequence: int, at: datetime) -> None:
        """The task as it is now, on the page of whoever tried it, if they ever opened it. Raises Conflict."""
        found = await self._journal.find(home_id(task.tried_by))
        if found is None or not isinstance(found.state, AnswerState) or not isinstance(found.state.body, HomeBody):
            return
        body = lists.at_home(found.state.body, row_of(task, sequence, at))
        if body is not None:
            state = replace(found.state, body=body, answered_at=self._clock())
            await self._journal.append("updated", state, found.sequence, caused_by=task.id)
