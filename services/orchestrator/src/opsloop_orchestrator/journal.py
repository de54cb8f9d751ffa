"""The journal of tasks and answers: one subject each, whose last event is its state.

An append names the sequence it was decided on and fails with Conflict when somebody moved the subject meanwhile.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from opsloop_common import codec, tracing
from opsloop_common.answers import AnswerState
from opsloop_common.audit import Decision
from opsloop_common.bus import Bus, BusError, Conflict, Expect, Stored
from opsloop_common.events import STATE_LIMIT_BYTES, Envelope, TaskState
from opsloop_common.subjects import Subjects
from opsloop_orchestrator.auditor import Auditor

SOURCE = "opsloop/orchestrator"
PAUSE_SECONDS = 0.25


class Found(msgspec.Struct, frozen=True):
    """The newest state under an id, the sequence of the event that holds it, and the trace that led there."""

    state: TaskState | AnswerState
    sequence: int
    traceparent: str = ""


class FoundTask(msgspec.Struct, frozen=True):
    """`traceparent` is the trace that led to this state."""

    state: TaskState
    sequence: int
    traceparent: str = ""


class Permit(Protocol):
    """What a process needs to write about the tasks it runs. `check` raises a BusError when it is gone."""

    def check(self) -> None: ...


class StateTooLarge(ValueError):
    """A state beyond 8 KiB: the policy bounds everything a task can say, so this is a bug."""


class Journal:
    """Loads and appends. `clock` gives aware UTC times."""

    def __init__(self, bus: Bus, subjects: Subjects, clock: Callable[[], datetime]) -> None:
        self._bus = bus
        self._subjects = subjects
        self._clock = clock
        self._stream = subjects.stream("EVT")
        self._auditor = Auditor(bus, subjects, clock)

    async def find(self, id: str) -> Found | None:
        """The newest state under an id, or None. Raises BusError."""
        stored = await self._bus.last(self._stream, self._subjects.events_of(id))
        if stored is None:
            return None
        event = codec.decode_event(stored.data)
        return Found(event.data, stored.sequence, event.traceparent)

    async def task(self, id: str) -> FoundTask | None:
        """The task under an id; None when there is none, or an answer."""
        found = await self.find(id)
        if found is None or not isinstance(found.state, TaskState):
            return None
        return FoundTask(found.state, found.sequence, found.traceparent)

    async def append(
        self,
        event: str,
        state: TaskState | AnswerState,
        sequence: int,
        *,
        caused_by: str = "",
        patience_seconds: float = 0.0,
        permit: Permit | None = None,
        decision: Decision | None = None,
    ) -> int:
        """Appends the event and returns its sequence.

        `sequence` is the one the decision was made on (0: nothing yet). Raises Conflict when it is no longer the last.
        An append that the broker did not take is repeated for `patience_seconds`, under the same event id, so that
        our own stored event is told from somebody else's; then BusError. `permit` is looked at before each try.
        A `decision` is put into the audit before the event it permits.
        """
        envelope = self._envelope(event, state, caused_by)
        payload = codec.encode(envelope)
        if len(payload) > STATE_LIMIT_BYTES:
            raise StateTooLarge(f"{state.id}: {len(payload)} bytes in the event {event!r}")
        if decision is not None:
            await self._auditor.write(envelope.id, state.id, decision)
        subject = self._subjects.event(state.id, event)
        expect = Expect(sequence, self._subjects.events_of(state.id))
        give_up_at = asyncio.get_running_loop().time() + patience_seconds
        while True:
            if permit is not None:
                permit.check()
            try:
                return await self._bus.publish(subject, payload, expect=expect)
            except Conflict:
                if own := await self._own(state.id, envelope.id):
                    return own.sequence
                raise
            except BusError:
                if asyncio.get_running_loop().time() >= give_up_at:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)

    async def _own(self, id: str, event_id: str) -> Stored | None:
        """The last event under the id if it is the very one we tried to append."""
        stored = await self._bus.last(self._stream, self._subjects.events_of(id))
        if stored is not None and codec.decode_event(stored.data).id == event_id:
            return stored
        return None

    def _envelope(
        self, event: str, state: TaskState | AnswerState, caused_by: str
    ) -> Envelope[TaskState] | Envelope[AnswerState]:
        kind = "task" if isinstance(state, TaskState) else "answer"
        return codec.envelope(
            id=secrets.token_hex(10),
            source=SOURCE,
            type=f"ops.{kind}.{event}.v1",
            time=self._clock(),
            subject=state.id,
            data=state,
            causedby=caused_by,
            traceparent=tracing.current(),
        )  # type: ignore[return-value] # mypy cannot see that a union in gives a union of envelopes
