"""Takes in what one publisher reports.

Each task is worked on by itself, and what came in for it meanwhile is taken in together: one event, however many
reports. A publisher's pace bounds the events, so one that floods fills its own stream and waits; nobody else does.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from opsloop_common import codec, reports
from opsloop_common.bus import BusError, Conflict
from opsloop_common.bus.consume import Ack, Delivery, Outcome, Retry
from opsloop_common.events import TaskState
from opsloop_common.notices import Accepted, Received, Rejected
from opsloop_common.outbox import Outbox
from opsloop_common.publishers import Publisher
from opsloop_common.redact import Redactor
from opsloop_common.reports import Fault, Read, Report
from opsloop_common.subjects import is_token
from opsloop_orchestrator.external import admit
from opsloop_orchestrator.external.admit import Admitted, Incoming, Passed, Verdict
from opsloop_orchestrator.external.log_lines import LogLines
from opsloop_orchestrator.external.pace import Pace
from opsloop_orchestrator.journal import FoundTask, Journal

log = logging.getLogger(__name__)

TOGETHER_SECONDS = 0.25
"""What comes for a task within this time of its last event is taken in together."""
AGAIN_SECONDS = 0.5
ANSWER_WITHIN_SECONDS = 1.5
IDS_REMEMBERED = 10_000


class Waiting(msgspec.Struct, frozen=True):
    incoming: Incoming
    verdict: asyncio.Future[Verdict]


class Intake:
    """Constructed inside the running loop. `acknowledged` tells up to where the publisher's stream is done with."""

    def __init__(
        self,
        *,
        publisher: Publisher,
        journal: Journal,
        outbox: Outbox,
        lines: LogLines,
        acknowledged: Callable[[], Awaitable[int]],
        redact: Redactor,
        clock: Callable[[], datetime],
    ) -> None:
        self._publisher = publisher
        self._journal = journal
        self._outbox = outbox
        self._lines = lines
        self._acknowledged = acknowledged
        self._redact = redact
        self._clock = clock
        self._pace = Pace(publisher.rate_per_second, publisher.burst)
        self._waiting: dict[str, list[Waiting]] = {}
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._ids: dict[str, str] = {}
        """Our ids by theirs, as far as they are known."""

    async def handle(self, delivery: Delivery) -> Outcome:
        """Ack once the report is part of its task, or its fault was told."""
        *_, task_id, event = delivery.subject.split(".")
        found = _understood(task_id, reports.read(delivery.data))
        verdict: Verdict
        if isinstance(found, Fault):
            verdict = found
        else:
            incoming = Incoming(
                report=self._redacted(found.report),
                key=found.report.id or delivery.message_id,
                stored_at=delivery.time,
                stored=delivery.sequence,
            )
            verdict = await self._submit(task_id, incoming)
            verdict = found.placed(verdict) if isinstance(verdict, Fault) else verdict
        if isinstance(verdict, Fault):
            if verdict.reason == "incomplete" and await self._acknowledged() < delivery.sequence - 1:
                # The event that begins the task may be in the hands of another replica, or of one that died with it.
                return Retry(AGAIN_SECONDS)
            event_id = found.report.id if isinstance(found, Read) else ""
            await self._reject(task_id, event, event_id, verdict, _name(delivery))
        return Ack()

    async def answer(self, data: bytes) -> bytes:
        """The same for a report whose sender waits for the outcome."""
        read = reports.read(data)
        found = read if isinstance(read, Fault) else _understood(read.report.task_id, read)
        if isinstance(found, Fault):
            return codec.encode(Received(outcome="rejected", fault=found))
        task_id = found.report.task_id
        verdict = await self._submit_for_now(
            task_id, Incoming(report=self._redacted(found.report), key=found.report.id)
        )
        match verdict:
            case Fault():
                return codec.encode(Received(outcome="rejected", fault=found.placed(verdict)))
            case Passed(outcome):
                return codec.encode(Received(outcome=outcome, id=self._ids.get(task_id, "")))
            case Admitted(state=state):
                return codec.encode(Received(outcome="accepted", id=state.id))

    async def close(self) -> None:
        for job in self._jobs.values():
            job.cancel()
        await asyncio.gather(*self._jobs.values(), return_exceptions=True)

    async def _submit(self, task_id: str, incoming: Incoming) -> Verdict:
        return await asyncio.shield(self._enqueue(task_id, incoming).verdict)

    async def _submit_for_now(self, task_id: str, incoming: Incoming) -> Verdict:
        """Nobody waits for ever: what has not had its turn in time is taken back."""
        waiting = self._enqueue(task_id, incoming)
        await asyncio.wait([waiting.verdict], timeout=ANSWER_WITHIN_SECONDS)
        queue = self._waiting.get(task_id, [])
        if not waiting.verdict.done() and waiting in queue:
            queue.remove(waiting)
            return Fault(reason="too_fast", expected=f"at most {self._publisher.rate_per_second:g} events a second")
        return await asyncio.shield(waiting.verdict)

    def _enqueue(self, task_id: str, incoming: Incoming) -> Waiting:
        queue = self._waiting.setdefault(task_id, [])
        for other in queue:
            # Delivered again while it waits for its turn.
            if incoming.stored and other.incoming.stored == incoming.stored:
                return other
        waiting = Waiting(incoming, asyncio.get_running_loop().create_future())
        queue.append(waiting)
        if task_id not in self._jobs:
            self._jobs[task_id] = asyncio.create_task(self._work(task_id))
        return waiting

    async def _work(self, task_id: str) -> None:
        try:
            while self._waiting.get(task_id):
                await self._pace.turn()
                together = self._waiting.pop(task_id, [])
                await self._settle(task_id, together)
                await asyncio.sleep(TOGETHER_SECONDS if self._waiting.get(task_id) else 0)
        finally:
            del self._jobs[task_id]
            self._waiting.pop(task_id, None)

    async def _settle(self, task_id: str, together: list[Waiting]) -> None:
        """Decides about all of them at once; a broker that is away is waited for, so their order stays."""
        while together:
            try:
                verdicts = await self._take_in(task_id, [one.incoming for one in together])
            except Conflict:
                continue
            except BusError as error:
                log.warning("reports of %s wait: %s", self._publisher.name, error)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            except Exception as error:
                for one in together:
                    if not one.verdict.done():
                        one.verdict.set_exception(error)
                return
            for one, verdict in zip(together, verdicts, strict=True):
                if not one.verdict.done():
                    one.verdict.set_result(verdict)
            return

    async def _take_in(self, task_id: str, together: Sequence[Incoming]) -> list[Verdict]:
        """The reports in their order, as one event. Raises Conflict when the task moved meanwhile, BusError."""
        found = await self._find(task_id, together)
        now = self._clock()
        before, sequence = (found.state, found.sequence) if found else (None, 0)
        task, verdicts, weightiest = before, list[Verdict](), "progressed"
        for incoming in together:
            verdict = admit.admit(incoming, self._publisher, task_id, task, sequence, now)
            verdicts.append(verdict)
            if isinstance(verdict, Admitted):
                task = verdict.state
                weightiest = max(weightiest, verdict.event, key=_weight)
        if task is None:
            return verdicts
        self._remember(task_id, task.id)
        await self._write_lines(task, together, verdicts, now)
        if before is None:
            notice = Accepted(publisher=self._publisher.name, task_id=task_id, id=task.id, at=now)
            await self._outbox.once(notice)
        if before is None or (task is not before and admit.is_news(before, task, now)):
            await self._journal.append(weightiest, task, sequence)
        return verdicts

    async def _find(self, task_id: str, together: Sequence[Incoming]) -> FoundTask | None:
        """The task, wherever it is shown: an event that names no channel belongs to the one there is."""
        known = [self._ids[task_id]] if task_id in self._ids else []
        named = [admit.place_of(one.report, self._publisher) for one in together if self._is_allowed(one.report)]
        places = dict.fromkeys((*named, *self._publisher.conversations))
        for id in dict.fromkeys((*known, *(admit.id_of(self._publisher, place, task_id) for place in places))):
            found = await self._journal.task(id)
            if found is not None and found.state.external is not None:
                return found
        return None

    def _is_allowed(self, report: Report) -> bool:
        return reports.permitted(report, self._publisher) is None

    async def _write_lines(
        self, task: TaskState, together: Sequence[Incoming], verdicts: Sequence[Verdict], now: datetime
    ) -> None:
        """The log lines of what was admitted, and of what only the other replica's haste overtook."""
        said = [
            (f"{task.id}-{incoming.stored or incoming.digest}-{number}", line)
            for incoming, verdict in zip(together, verdicts, strict=True)
            if isinstance(verdict, Admitted)
            or (verdict == Passed("overtaken") and incoming.report.sequence is None and incoming.stored)
            for number, line in enumerate(incoming.report.log)
        ]
        await self._lines.write(task, said, now)

    async def _reject(self, task_id: str, event: str, event_id: str, fault: Fault, message_id: str) -> None:
        await self._pace.turn()
        notice = Rejected(
            publisher=self._publisher.name,
            task_id=task_id if is_token(task_id) else "",
            fault=fault,
            at=self._clock(),
            event=event if is_token(event) else "",
            event_id=event_id,
        )
        log.info("rejected a report of %s: %s %s", self._publisher.name, fault.reason, fault.pointer)
        await self._outbox.tell(notice, message_id)

    def _redacted(self, report: Report) -> Report:
        """The report without secrets; a link that holds one is left out."""
        redact = self._redact
        links = report.links
        return replace(
            report,
            title=redact(report.title),
            step=redact(report.step),
            error=redact(report.error),
            summary=redact(report.summary),
            owner=redact(report.owner),
            links=tuple(link for link in links if redact(link.url) == link.url) if links is not None else None,
        )

    def _remember(self, task_id: str, id: str) -> None:
        if len(self._ids) >= IDS_REMEMBERED:
            self._ids.clear()
        self._ids[task_id] = id


def _understood(task_id: str, read: Read | Fault) -> Read | Fault:
    """The report of the task that the subject names, and of no other."""
    if not is_token(task_id):
        return Fault(reason="bad_task_id", pointer="/task_id", expected=reports.EXPECTED["task_id"])
    if isinstance(read, Read) and read.report.task_id not in ("", task_id):
        return read.placed(Fault(reason="bad_task_id", pointer="/task_id", expected=f"{task_id}, as in the subject"))
    return read


def _name(delivery: Delivery) -> str:
    """The same for every delivery of a message, and for no other, even in a stream that was made anew."""
    return f"{delivery.stream}-{delivery.sequence}-{hashlib.sha256(delivery.data).hexdigest()[:16]}"


def _weight(event: str) -> int:
    return {"progressed": 0, "step": 1, "reported": 2}.get(event, 3)
