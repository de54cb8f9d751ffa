"""Follow-ups: a task that succeeded starts those that the catalogue names after it.

Their ids follow from the task that started them, so a second delivery, or another replica, meets what is there. A
follow-up runs in the name of the person who started the chain. What became of each is written into the task that came
before, last: until then a redelivery does it all again, to no effect.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from opsloop_common import codec, params
from opsloop_common.bus import Conflict
from opsloop_common.bus.consume import Ack, Delivery, Outcome, Reject, Retry
from opsloop_common.catalogue import CHAIN_AT_MOST, Catalogue, TaskType
from opsloop_common.commands import RunTask
from opsloop_common.events import FollowUp, Parent, TaskState
from opsloop_common.subjects import make_id
from opsloop_orchestrator import moves, rights
from opsloop_orchestrator.answering import deny
from opsloop_orchestrator.decisions import denied, followed
from opsloop_orchestrator.denials import log_denial
from opsloop_orchestrator.identities import Identify
from opsloop_orchestrator.journal import FoundTask, Journal
from opsloop_orchestrator.targets import Entered, Full, Joined, Targets

log = logging.getLogger(__name__)


class FollowUps:
    def __init__(
        self,
        *,
        journal: Journal,
        targets: Targets,
        identify: Identify,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
    ) -> None:
        self._journal = journal
        self._targets = targets
        self._identify = identify
        self._catalogue = catalogue
        self._clock = clock

    async def handle(self, delivery: Delivery) -> Outcome:
        """Handles a `succeeded` event."""
        try:
            event = codec.decode_event(delivery.data).data
        except codec.Undecodable as error:
            return Reject(str(error))
        if not isinstance(event, TaskState) or not self._after(event):
            return Ack()
        found = await self._journal.task(event.id)
        if found is None or found.state.attempt != event.attempt or found.state.follow_ups:
            return Ack()
        try:
            await self._follow(found)
        except Conflict:
            return Retry(0.05)
        return Ack()

    def _after(self, task: TaskState) -> list[TaskType]:
        kind = self._catalogue.tasks.get(task.task)
        if kind is None or task.target not in self._catalogue.targets or task.depth + 1 >= CHAIN_AT_MOST:
            return []
        return [self._catalogue.tasks[name] for name in kind.then]

    async def _follow(self, found: FoundTask) -> None:
        became = tuple([await self._start(found.state, kind) for kind in self._after(found.state)])
        # A late number may have moved the task meanwhile.
        newest = await self._journal.task(found.state.id)
        if newest is not None and newest.state.attempt == found.state.attempt and not newest.state.follow_ups:
            move = moves.followed(newest.state, became)
            await self._journal.append(move.event, move.state, newest.sequence)

    async def _start(self, parent: TaskState, kind: TaskType) -> FollowUp:
        child = self._child(parent, kind)
        if await self._journal.task(child.id) is not None:
            return FollowUp(task=kind.name, task_id=child.id, outcome="started")
        identity = await self._identify(child.requested_by) if kind.asks_who else None
        no = rights.may_run(child.requested_by, kind, identity)
        # Where nobody can tell now, the task waits for it at its start.
        if no is not None and not no.is_for_now:
            await self._deny(child, no)
            return FollowUp(task=kind.name, task_id=child.id, outcome="denied", reason=no.identity)
        return await self._admit(parent, child)

    async def _admit(self, parent: TaskState, child: TaskState) -> FollowUp:
        match await self._targets.enter(child):
            case Joined(twin):
                return FollowUp(task=child.task, task_id=twin.id, outcome="joined")
            case Full():
                return FollowUp(task=child.task, task_id=child.id, outcome="queue_full")
            case Entered(place, ahead):
                queued = moves.queued_behind(child, ahead, place, self._clock())
                await self._journal.append("queued", queued, 0, caused_by=parent.id, decision=followed(child))
                return FollowUp(task=child.task, task_id=child.id, outcome="started")

    def _child(self, parent: TaskState, kind: TaskType) -> TaskState:
        now = self._clock()
        return TaskState(
            id=make_id(parent.conversation, "follow", parent.id, str(parent.attempt), kind.name),
            task=kind.name,
            target=parent.target,
            title=parent.title,
            conversation=parent.conversation,
            requested_by=parent.requested_by,
            requested_at=parent.ended_at or now,
            status="queued",
            params=params.filled({}, kind.params),
            card=parent.card,
            parent=Parent(parent.id, parent.task),
            depth=parent.depth + 1,
            queued_at=now,
        )

    async def _deny(self, child: TaskState, no: rights.No) -> None:
        """Tells the person who started the chain, alone; everybody sees it on the card of the task before."""
        asked = RunTask(
            request_id=child.id,
            actor=child.requested_by,
            conversation=child.conversation,
            asked_at=child.requested_at,
            task=child.task,
            target=child.target,
        )
        answer = deny(asked, no, self._catalogue, self._clock(), task=child.task, target=child.target)
        log_denial(asked.actor, child.task, child.target, no)
        try:
            await self._journal.append(
                answer.event, replace(answer.state, verb=""), 0, caused_by=child.id, decision=denied(answer.state)
            )
        except Conflict:
            log.info("the denial of %s stands already", child.id)
