"""Commands become tasks or answers.

A request is named by its id, and the first event under that id expects that there is none: a second delivery, a
replay or another replica meet the same conflict. A request that moves an existing task moves it first and is answered
then; a redelivery completes the second half.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from opsloop_common import codec
from opsloop_common.answers import AnswerState, StatusBody
from opsloop_common.bus import Conflict
from opsloop_common.bus.consume import Ack, Delivery, Outcome, Reject, Retry
from opsloop_common.catalogue import Catalogue
from opsloop_common.commands import AnyCommand, RetryTask, RunTask, ShowLogs
from opsloop_orchestrator import decide, moves
from opsloop_orchestrator.decide import Answer, Known
from opsloop_orchestrator.journal import Journal
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.readings import Readings
from opsloop_orchestrator.targets import Entered, Full, Joined, Targets

log = logging.getLogger(__name__)


class Commands:
    """Handles one command at a time; many may be under way side by side."""

    def __init__(
        self,
        *,
        journal: Journal,
        targets: Targets,
        readings: Readings,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        start_within_seconds: float,
    ) -> None:
        self._journal = journal
        self._targets = targets
        self._readings = readings
        self._catalogue = catalogue
        self._clock = clock
        self._start_within = timedelta(seconds=start_within_seconds)

    async def handle(self, delivery: Delivery) -> Outcome:
        """Ack when the request is a task or an answer, for good."""
        try:
            asked = codec.decode_command(delivery.data).data
        except codec.Undecodable as error:
            return Reject(str(error))
        if await self._journal.find(asked.request_id) is not None:
            return Ack()
        try:
            await self._become(asked)
        except Conflict:
            return Retry(0.05)
        return Ack()

    async def _become(self, asked: AnyCommand) -> None:
        known = await self._look_up(asked)
        now = self._clock()
        handled_before = known.task is not None and decide.was_handled(known.task, asked)
        if now - asked.asked_at > self._start_within and not handled_before:
            return await self._say(decide.refuse(asked, "too_late", self._catalogue, now))
        match decide.decide(asked, known, now):
            case Answer(state=AnswerState(body=StatusBody(target=target))) as answer:
                await self._say(decide.with_numbers(answer, await self._readings.of(target)))
                self._readings.look_again(answer.state.id)
            case Answer() as answer:
                await self._say(answer)
            case Move() as move:
                await self._admit(asked, move, known.sequence)
        return None

    async def _look_up(self, asked: AnyCommand) -> Known:
        if isinstance(asked, RetryTask | ShowLogs):
            found = await self._journal.task(asked.task_id)
            if found is not None:
                return Known(self._catalogue, task=found.state, sequence=found.sequence)
        elif isinstance(asked, RunTask) and asked.card:
            card = await self._journal.find(asked.card)
            if card is not None and isinstance(card.state, AnswerState):
                return Known(self._catalogue, card=card.state)
        return Known(self._catalogue)

    async def _admit(self, asked: AnyCommand, move: Move, sequence: int) -> None:
        """Takes a place in the target's line, then appends `queued`, which wakes a worker."""
        task = move.state
        place = await self._targets.enter(task)
        match place:
            case Joined(twin):
                names = {"task": twin.task, "target": twin.target, "task_id": twin.id}
                await self._say(decide.refuse(asked, "already_running", self._catalogue, self._clock(), **names))
            case Full():
                names = {"task": task.task, "target": task.target}
                await self._say(decide.refuse(asked, "queue_full", self._catalogue, self._clock(), **names))
            case Entered(place, ahead):
                queued = moves.queued_behind(task, ahead, place)
                await self._journal.append(move.event, queued, sequence, caused_by=asked.request_id)
                if task.id != asked.request_id:
                    await self._say(decide.moved(asked, task, self._clock()))

    async def _say(self, answer: Answer) -> None:
        await self._journal.append(answer.event, answer.state, 0, caused_by=answer.state.id)
