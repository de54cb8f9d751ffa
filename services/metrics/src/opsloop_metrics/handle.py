"""From deliveries to series."""

import asyncio

from opsloop_common import codec
from opsloop_common.bus import Bus, BusError
from opsloop_common.bus.consume import Ack, Delivery, Outcome, Reject
from opsloop_common.events import TaskState
from opsloop_common.subjects import Subjects, event_in
from opsloop_metrics.measure import Running, Seen, answered, ended
from opsloop_metrics.series import Series

RECHECK_SECONDS = 10.0


class Handler:
    """Counts events. It never waits, so messages are counted in the order they arrive."""

    def __init__(self, series: Series, running: Running) -> None:
        self._series = series
        self._running = running
        self._events = Seen()

    async def event(self, delivery: Delivery) -> Outcome:
        try:
            envelope = codec.decode_event(delivery.data)
        except codec.Undecodable as error:
            return Reject(str(error))
        if not self._events.is_new(envelope.data.id, delivery.sequence):
            return Ack()
        if isinstance(envelope.data, TaskState):
            self._task(event_in(delivery.subject), envelope.data)
        elif event_in(delivery.subject) != "updated":
            self._series.add(answered(envelope.data))
        return Ack()

    def _task(self, event: str, state: TaskState) -> None:
        self._running.note(event, state)
        self._series.watch(state.task)
        if end := ended(event, state):
            self._series.add(end)


async def recheck(bus: Bus, subjects: Subjects, running: Running, every_seconds: float = RECHECK_SECONDS) -> None:
    """Forgets tasks whose end went to another replica. Runs until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        for id in running.ids:
            if not await _still_runs(bus, subjects, id):
                running.drop(id)


async def _still_runs(bus: Bus, subjects: Subjects, id: str) -> bool:
    try:
        newest = await bus.last(subjects.stream("EVT"), subjects.events_of(id))
        if newest is None:
            return False
        state = codec.decode_event(newest.data).data
    except (BusError, codec.Undecodable):
        return True
    return isinstance(state, TaskState) and state.status == "running"
