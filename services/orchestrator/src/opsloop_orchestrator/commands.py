"""Commands become tasks or answers.

A request is named by its id, and the first event under that id expects that there is none: a second delivery, a
replay or another replica meet the same conflict. A request that moves an existing task moves it first and is answered
then; a redelivery completes the second half.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from opsloop_common import codec
from opsloop_common.answers import AnswerState, MetricBody, MovedBody, RefusedBody, StatusBody
from opsloop_common.bus import Conflict
from opsloop_common.bus.consume import Ack, Delivery, Outcome, Reject, Retry
from opsloop_common.catalogue import Catalogue
from opsloop_common.commands import (
    AnyCommand,
    CancelTask,
    ConfirmHappened,
    CountClick,
    PressButton,
    RetryTask,
    RunAgain,
    RunTask,
    ShowHome,
    ShowLogs,
    ShowTargets,
    ShowTask,
    ShowTasks,
    TellStored,
)
from opsloop_common.log import fields
from opsloop_common.outbox import Outbox
from opsloop_common.subjects import is_id
from opsloop_orchestrator import decide, moves, stored_late
from opsloop_orchestrator.answering import Answer, moved, refuse, with_course, with_numbers
from opsloop_orchestrator.decide import Known
from opsloop_orchestrator.decisions import allowed, denied
from opsloop_orchestrator.denials import log_denial
from opsloop_orchestrator.external import presses
from opsloop_orchestrator.homes import Homes
from opsloop_orchestrator.identities import Identify
from opsloop_orchestrator.journal import Found, Journal
from opsloop_orchestrator.line import Line
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.projection import Projection
from opsloop_orchestrator.readings import Readings
from opsloop_orchestrator.rights import No
from opsloop_orchestrator.targets import Entered, Full, Joined, Targets

log = logging.getLogger(__name__)

BEFORE_IT_SECONDS = 0.5
"""Between two looks for what became of a request that is handled just now."""


class Sources(msgspec.Struct, frozen=True):
    """Where what a decision needs is looked up."""

    journal: Journal
    projection: Projection
    readings: Readings
    identify: Identify


class Commands:
    """Handles one command at a time; many may be under way side by side."""

    def __init__(
        self,
        *,
        sources: Sources,
        targets: Targets,
        line: Line,
        homes: Homes,
        outbox: Outbox,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        start_within: timedelta,
    ) -> None:
        self._sources = sources
        self._journal = sources.journal
        self._targets = targets
        self._line = line
        self._homes = homes
        self._outbox = outbox
        self._catalogue = catalogue
        self._clock = clock
        self._start_within = start_within

    async def handle(self, delivery: Delivery) -> Outcome:
        """Ack when the request is a task or an answer, for good."""
        try:
            asked = codec.decode_command(delivery.data).data
        except codec.Undecodable as error:
            return Reject(str(error))
        if isinstance(asked, CountClick) or await self._journal.find(asked.request_id) is not None:
            return Ack()
        if isinstance(asked, TellStored):
            return await self._tell_stored(asked)
        try:
            with fields(request=asked.request_id, actor=asked.actor.user):
                await self._become(asked)
        except Conflict:
            return Retry(0.05)
        return Ack()

    async def _become(self, asked: AnyCommand) -> None:
        if isinstance(asked, ShowHome):
            rows = await self._sources.projection.all_rows()
            return await self._homes.open(asked, [row.shown for row in rows])
        known = await self._look_up(asked)
        now = self._clock()
        handled_before = known.task is not None and decide.was_handled(known.task, asked)
        if now - asked.asked_at > self._start_within and not handled_before:
            return await self._say(refuse(asked, "too_late", self._catalogue, now))
        match decide.decide(asked, known, now):
            case Answer() as answer:
                if press := presses.told(asked, known, answer, now):
                    await self._outbox.tell(press, press.click_id)
                await self._say(await self._completed(answer))
            case Move(event="queued") as move:
                await self._admit(asked, move, known.sequence)
            case Move() as move:
                await self._move(asked, move, known.sequence)
        return None

    async def _tell_stored(self, asked: TellStored) -> Outcome:
        """Done once the message of the request says so, or it is too late for that."""
        found = await self._became(asked.stored_id)
        if found is None:
            is_over = self._clock() - asked.asked_at > 2 * self._start_within
            return Ack() if is_over else Retry(BEFORE_IT_SECONDS)
        if note := stored_late.noted(found.state):
            try:
                await self._journal.append(*note, found.sequence, caused_by=asked.request_id)
            except Conflict:
                return Retry(0.05)
        return Ack()

    async def _became(self, id: str) -> Found | None:
        """What a request became: a task, an answer, or the task that it moved."""
        found = await self._journal.find(id)
        if found is not None and isinstance(found.state, AnswerState) and isinstance(found.state.body, MovedBody):
            return await self._journal.find(found.state.body.task_id)
        return found

    async def _look_up(self, asked: AnyCommand) -> Known:
        known = await self._named(asked)
        if decide.asks_who(asked, known):
            return msgspec.structs.replace(known, identity=await self._sources.identify(asked.actor))
        return known

    async def _named(self, asked: AnyCommand) -> Known:
        """What the request names."""
        none = Known(catalogue=self._catalogue)
        match asked:
            case (
                RetryTask(task_id=id)
                | CancelTask(task_id=id)
                | PressButton(task_id=id)
                | ConfirmHappened(task_id=id)
                | RunAgain(task_id=id)
                | ShowLogs(task_id=id)
                | ShowTask(task_id=id)
            ):
                found = await self._journal.task(id) if is_id(id) else None
                if found is not None:
                    return Known(catalogue=self._catalogue, task=found.state, sequence=found.sequence)
            case RunTask(card=card) if card:
                answer = await self._journal.find(card)
                if answer is not None and isinstance(answer.state, AnswerState):
                    return Known(catalogue=self._catalogue, card=answer.state)
            case ShowTasks() | ShowTargets():
                rows = await self._sources.projection.all_rows()
                return Known(catalogue=self._catalogue, rows=tuple(row.shown for row in rows))
        return none

    async def _completed(self, answer: Answer) -> Answer:
        """The answer with the numbers it is to show."""
        match answer.state.body:
            case StatusBody(target=target):
                return with_numbers(answer, await self._sources.readings.of(target))
            case MetricBody(target=target, measure=measure):
                value = await self._sources.readings.one(measure.metric, target)
                return with_course(answer, value, await self._sources.readings.trend(measure.metric, target))
        return answer

    async def _admit(self, asked: AnyCommand, move: Move, sequence: int) -> None:
        """Takes a place in the target's line, then appends `queued`, which wakes a worker."""
        task = move.state
        match await self._targets.enter(task):
            case Joined(twin):
                names = {"task": twin.task, "target": twin.target, "task_id": twin.id}
                await self._say(refuse(asked, "already_running", self._catalogue, self._clock(), **names))
            case Full():
                names = {"task": task.task, "target": task.target}
                await self._say(refuse(asked, "queue_full", self._catalogue, self._clock(), **names))
            case Entered(place, ahead):
                queued = moves.queued_behind(task, ahead, place, self._clock())
                await self._journal.append(
                    move.event, queued, sequence, caused_by=asked.request_id, decision=allowed(asked, task)
                )
                if task.id != asked.request_id:
                    await self._say(moved(asked, task, self._clock()))

    async def _move(self, asked: AnyCommand, move: Move, sequence: int) -> None:
        """Moves the task where it stands; one that ended before it began makes room for the next."""
        await self._journal.append(
            move.event, move.state, sequence, caused_by=asked.request_id, decision=allowed(asked, move.state)
        )
        await self._say(moved(asked, move.state, self._clock()))
        if not move.state.is_open:
            await self._line.release(move.state)

    async def _say(self, answer: Answer) -> None:
        state = answer.state
        if answer.event == "denied" and isinstance(state.body, RefusedBody):
            log_denial(state.to, state.body.task, state.body.target, No(state.body.reason, state.body.identity))
        await self._journal.append(answer.event, state, 0, caused_by=state.id, decision=denied(state))
        if isinstance(state.body, StatusBody):
            self._sources.readings.look_again(state.id)
