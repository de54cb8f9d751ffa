"""What people are called, so that a card can say who without calling them.

A name is looked up once and kept for an hour; whoever cannot be looked up stays unnamed, and is tried again later.
Nothing waits long for a name: the next update of a card has it.
"""

import asyncio
import logging
from collections.abc import Iterable

from opsloop_common.answers import (
    AnswerBody,
    AnswerState,
    HomeBody,
    RefusedBody,
    StatusBody,
    TaskBody,
    TasksBody,
)
from opsloop_common.events import TaskState
from opsloop_common.people import Person
from opsloop_notifier.slack import Slack

log = logging.getLogger(__name__)

KEPT_SECONDS = 3600.0
UNKNOWN_KEPT_SECONDS = 60.0
WAIT_SECONDS = 0.5
KEPT_AT_MOST = 10_000


class People:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._known: dict[str, tuple[str, float]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    @property
    def names(self) -> dict[str, str]:
        """The known names by user id."""
        return {user: name for user, (name, _) in self._known.items() if name}

    async def meet(self, users: Iterable[str]) -> None:
        """Looks up who is not known yet; returns when that is done, or after half a second."""
        now = asyncio.get_running_loop().time()
        for user in set(users):
            _, until = self._known.get(user, ("", 0.0))
            if until < now and user not in self._asking:
                self._asking[user] = asyncio.create_task(self._ask(user))
        asked = [self._asking[user] for user in set(users) if user in self._asking]
        if asked:
            await asyncio.wait(asked, timeout=WAIT_SECONDS)

    async def _ask(self, user: str) -> None:
        try:
            answer = await self._slack.name(user)
            name = answer if isinstance(answer, str) else ""
            if not name:
                log.info("the name of %s is not to be had: %s", user, answer)
            if len(self._known) >= KEPT_AT_MOST:
                self._known.clear()
            kept_seconds = KEPT_SECONDS if name else UNKNOWN_KEPT_SECONDS
            self._known[user] = (name, asyncio.get_running_loop().time() + kept_seconds)
        finally:
            del self._asking[user]


def named_in(state: TaskState | AnswerState) -> set[str]:
    """The users whom the message of a state names."""
    if isinstance(state, AnswerState):
        return _named_in_answer(state.body)
    named = [state.tried_by, state.requested_by if state.follow_ups else None, state.cancelled_by, state.confirmed_by]
    named.append(state.behind.by if state.behind else None)
    return _users(person for person in named if person is not None)


def _named_in_answer(body: AnswerBody) -> set[str]:
    match body:
        case StatusBody(runs=runs):
            return _users(run.by for run in runs)
        case TasksBody(running=running, queued=queued, ended=ended):
            return _users(row.by for row in (*running, *queued, *ended))
        case HomeBody(open=open_rows, ended=ended):
            return _users(row.by for row in (*open_rows, *ended))
        case TaskBody(row=row):
            return _users([row.by])
        case RefusedBody(owners=owners):
            return set(owners)
        case _:
            return set()


def _users(people: Iterable[Person]) -> set[str]:
    """Those whom Slack knows: an operator is nobody there, nor is whoever asked for a task of another system."""
    return {person.user for person in people if person.user and not person.is_operator}
