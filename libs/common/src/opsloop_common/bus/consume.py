"""Consuming with backpressure: a continuous pull that never asks for more than can be handled.

A handler returns an outcome; one place turns it into what the broker understands:

    Ack            done
    Hold           not yet: the handler keeps the message and acknowledges it itself, later
    Retry(delay)   again, after so many seconds
    Reject(reason) never: to the dead letters, once, and out of the way
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from opsloop_common import codec, crash, tracing
from opsloop_common.bus.connection import PARTITION, Bus, BusError, Conflict, Expect
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.events import DeadLetter
from opsloop_common.log import fields
from opsloop_common.subjects import Subjects, id_in, is_id

log = logging.getLogger(__name__)

PULL_SECONDS = 5.0
PAUSE_WITHOUT_BROKER_SECONDS = 0.25
NO_CONSUMER = ("409", "503")
"""The statuses of a pull that ended because its consumer is gone, or moved; any other is its ordinary end."""


class Ack(msgspec.Struct, frozen=True):
    pass


class Hold(msgspec.Struct, frozen=True):
    pass


class Retry(msgspec.Struct, frozen=True):
    delay_seconds: float = 1.0


class Reject(msgspec.Struct, frozen=True):
    reason: str


Outcome = Ack | Hold | Retry | Reject


class Delivery:
    """A message in our hands until it is acknowledged."""

    def __init__(self, message: Msg) -> None:
        self._message = message
        self.subject = message.subject
        self.data = message.data
        self.trace = (message.headers or {}).get(tracing.HEADER, "")
        self.message_id = (message.headers or {}).get("Nats-Msg-Id", "")
        self.stream = message.metadata.stream
        self.sequence = message.metadata.sequence.stream
        self.time = message.metadata.timestamp.replace(tzinfo=UTC)

    async def ack(self) -> None:
        """Tells the broker it is done. Lost without a broker: the message then comes again."""
        await self._settle("ack", self._message.ack)

    async def again(self, delay_seconds: float) -> None:
        await self._settle("nak", lambda: self._message.nak(delay=delay_seconds))

    async def drop(self) -> None:
        await self._settle("term", self._message.term)

    async def _settle(self, verb: str, how: Callable[[], Awaitable[None]]) -> None:
        crash.crossing("before", self._deed, verb)
        with contextlib.suppress(nats.errors.Error):
            await how()
            if crash.is_watched():
                # It leaves with the loop's next turn: only then is "after" another place than "before".
                await asyncio.sleep(0)
        crash.crossing("after", self._deed, verb)

    def _deed(self, verb: str) -> str:
        return f"{verb} {self.stream}/{self._message.metadata.consumer.rstrip(PARTITION)}"


Handler = Callable[[Delivery], Awaitable[Outcome]]


def _about(delivery: Delivery) -> dict[str, str]:
    """What every log line of its handling tells."""
    parts = delivery.subject.split(".")
    id = id_in(delivery.subject) if len(parts) > 2 else ""
    return {"task": id} if is_id(id) else {}


class Consumer:
    """Runs a handler over a durable consumer, at most `capacity` messages at a time.

    Messages start in stream order; with `capacity` above 1 they overlap. A handler that raises is a bug: the message
    is rejected to the dead letters with the exception's name, and the others go on.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        service: str,
        stream: str,
        durable: str,
        subjects: Subjects,
        handler: Handler,
        capacity: int,
        series: ConsumerSeries | None = None,
    ) -> None:
        self._bus = bus
        self._service = service
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._subjects = subjects
        self._handler = handler
        self._name = (stream, durable)
        self._series = series
        self._capacity = capacity
        self._free = capacity
        self._wanted: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._is_missing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def run(self) -> None:
        """Consumes until cancelled; then waits up to a second for handlers under way."""
        try:
            await self._pull_for_ever()
        finally:
            for timer in self._timers.values():
                timer.cancel()
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=1)
                for task in late:
                    task.cancel()

    async def _pull_for_ever(self) -> None:
        self._bus.on_return.append(self._forget_pulls)
        inbox = self._bus.client.new_inbox()
        subscription: Subscription | None = None
        number = 0
        try:
            while True:
                self._changed.clear()
                wanted = self._free - sum(self._wanted.values())
                try:
                    subscription = subscription or await self._bus.client.subscribe(f"{inbox}.*", cb=self._arrived)
                    if wanted > 0:
                        number += 1
                        await self._pull(f"{inbox}.{number}", wanted)
                    await self._changed.wait()
                    if self._is_missing:
                        # It would end each pull at once, for ever.
                        await asyncio.sleep(PAUSE_WITHOUT_BROKER_SECONDS)
                except nats.errors.Error:
                    await asyncio.sleep(PAUSE_WITHOUT_BROKER_SECONDS)
        finally:
            self._bus.on_return.remove(self._forget_pulls)
            if subscription is not None:
                with contextlib.suppress(nats.errors.Error):
                    await subscription.unsubscribe()

    async def _pull(self, reply: str, batch: int) -> None:
        request = {"batch": batch, "expires": int(PULL_SECONDS * 1e9)}
        await self._bus.client.publish(self._next, msgspec.json.encode(request), reply=reply)
        self._wanted[reply] = batch
        # The broker ends a pull itself; the timer is for the broker that went away with it.
        loop = asyncio.get_running_loop()
        self._timers[reply] = loop.call_later(PULL_SECONDS + 1, self._pull_ended, reply)

    def _pull_ended(self, reply: str) -> None:
        if timer := self._timers.pop(reply, None):
            timer.cancel()
        self._wanted.pop(reply, None)
        self._changed.set()

    def _forget_pulls(self) -> None:
        for reply in list(self._wanted):
            self._pull_ended(reply)

    async def _arrived(self, message: Msg) -> None:
        # The client hands a message over under the subject it was stored with, so a pull is known only by a status.
        if status := (message.headers or {}).get("Status"):
            self._note(status in NO_CONSUMER)
            self._pull_ended(message.subject)
            return
        self._note(False)
        self._take_from_oldest_pull()
        self._free -= 1
        if self._series is not None:
            self._series.arrived(*self._name, message.metadata.num_pending)
        task = asyncio.create_task(self._handle(Delivery(message)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, is_missing: bool) -> None:
        if is_missing and not self._is_missing:
            log.warning("nothing can be pulled from %s/%s; asking again", *self._name)
        self._is_missing = is_missing

    def _take_from_oldest_pull(self) -> None:
        for reply in list(self._wanted):
            self._wanted[reply] -= 1
            if self._wanted[reply] <= 0:
                self._pull_ended(reply)
            return

    async def _handle(self, delivery: Delivery) -> None:
        began_at = time.monotonic()
        try:
            with tracing.span(f"process {self._name[1]}", delivery.trace), fields(**_about(delivery)):
                outcome = await self._outcome(delivery)
            if self._series is not None:
                name = type(outcome).__name__.lower()
                self._series.handled(*self._name, name, time.monotonic() - began_at)
            match outcome:
                case Ack():
                    await delivery.ack()
                case Retry(delay_seconds):
                    await delivery.again(delay_seconds)
                case Reject(reason):
                    await self._reject(delivery, reason)
                case Hold():
                    pass
        finally:
            self._free += 1
            self._changed.set()

    async def _outcome(self, delivery: Delivery) -> Outcome:
        try:
            return await self._handler(delivery)
        except BusError as error:
            log.warning("will try again: %s", error)
            return Retry()
        except Exception as error:
            log.exception("handler failed on %s %d", delivery.stream, delivery.sequence)
            return Reject(f"{type(error).__name__}: {error}")

    async def _reject(self, delivery: Delivery, reason: str) -> None:
        letter = DeadLetter(
            service=self._service,
            reason=reason,
            subject=delivery.subject,
            stream=delivery.stream,
            sequence=delivery.sequence,
            data=delivery.data,
            at=datetime.now(UTC),
        )
        log.error("rejected %s %d: %s", delivery.stream, delivery.sequence, reason)
        subject = self._subjects.dead_letter(self._service, delivery.stream, delivery.sequence, delivery.data)
        try:
            # The broker forgets message ids after minutes, but may deliver again what was acknowledged an hour ago.
            await self._bus.publish(subject, codec.encode(letter), expect=Expect(0))
        except Conflict:
            await delivery.drop()
        except BusError:
            await delivery.again(1.0)
        else:
            await delivery.drop()
