"""One request from its arrival to its answer: verify, decode, hand over, count.

The cheap and safe checks come first; nothing reaches a stream before all of them passed.
"""

import json
import logging
import time
import traceback
from asyncio import CancelledError, Event
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Literal

import msgspec
from starlette.types import Receive

from opsloop_common import tracing
from opsloop_common.bus import Bus
from opsloop_common.commands import RunTask
from opsloop_ingress import body, decode, head, signature
from opsloop_ingress.asked import Asked, Challenge, Decoded, FormWanted, Ignored, Kind, Submitted
from opsloop_ingress.complaints import Complaints
from opsloop_ingress.counters import Counters
from opsloop_ingress.handover import Handover, Unavailable
from opsloop_ingress.modals import Modals
from opsloop_ingress.refusal import Refused
from opsloop_ingress.rules import Rules

log = logging.getLogger(__name__)

MOST_IN_FLIGHT = 256


class Reply(msgspec.Struct, frozen=True):
    """What Slack is told. `close`: the body was not read to its end, so the connection is of no more use."""

    status: int
    body: bytes = b""
    content_type: bytes = b""
    close: bool = False


OK = Reply(200)
JSON = b"application/json"


class Intake:
    """Everything a request meets. `clock` is the time in Unix seconds."""

    def __init__(
        self,
        *,
        signing_secrets: tuple[bytes, ...],
        rules: Rules,
        handover: Handover,
        modals: Modals,
        counters: Counters,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._signing_secrets = signing_secrets
        self._rules = rules
        self._handover = handover
        self._modals = modals
        self._counters = counters
        self._clock = clock
        self._complaints = Complaints(time.monotonic)
        self._in_flight = 0
        counters.in_flight.set_function(lambda: self._in_flight)

    def attach(self, bus: Bus) -> None:
        """There is a broker; until now nothing could be stored or asked."""
        self._handover.bus = self._modals.bus = bus

    async def stay(self, bus: Bus) -> None:
        """Attached until cancelled; then nothing can be stored or asked any more."""
        self.attach(bus)
        try:
            await Event().wait()
        finally:
            self._handover.bus = self._modals.bus = None

    async def take(self, kind: Kind, headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> Reply:
        """The answer to one HTTP request; never raises, whatever arrives and whatever is broken here."""
        return await self._handle(kind, lambda: self._verified(kind, headers, receive))

    async def take_payload(self, kind: Kind, payload: str) -> Reply:
        """The same for a payload of a connection that is authenticated itself. 200: it may be acknowledged."""
        return await self._handle(kind, lambda: self._authenticated(kind, payload))

    async def _handle(self, kind: Kind, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        began = time.perf_counter()
        self._in_flight += 1
        try:
            with tracing.begun(f"slack {kind}"):
                return await self._answer(kind, answer)
        except CancelledError:
            # Only the server's shutdown cancels a request. It is not confirmed, so it must not look as if it were.
            return self._unavailable(kind, "stopping")
        except Exception as error:
            return self._broken(kind, error)
        finally:
            self._in_flight -= 1
            self._counters.seconds.labels(kind).observe(time.perf_counter() - began)

    async def _answer(self, kind: Kind, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        if self._in_flight > MOST_IN_FLIGHT:
            return self._unavailable(kind, "busy")
        try:
            return await answer()
        except Refused as refused:
            return self.refuse(kind, refused)
        except Unavailable as unavailable:
            return self._unavailable(kind, unavailable.reason)

    async def _verified(self, kind: Kind, headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> Reply:
        try:
            claims = head.read(kind, headers)
            asked_at = signature.check_time(claims.timestamp, self._clock())
            raw = await body.read(receive, head.LARGEST_BODY_BYTES[kind])
        except Refused as refused:
            if refused.reason not in ("slow_body", "cut_off"):
                await body.discard(receive)
            raise
        signature.check_signature(self._signing_secrets, claims.timestamp, claims.signature, raw)
        return await self._asked(kind, decode.decode(kind, raw, asked_at, self._rules))

    async def _authenticated(self, kind: Kind, payload: str) -> Reply:
        asked_at = datetime.fromtimestamp(self._clock(), UTC)
        if len(payload.encode()) > head.LARGEST_BODY_BYTES[kind]:
            raise Refused("too_large")
        return await self._asked(kind, decode.decode_payload(kind, payload, asked_at, self._rules))

    async def _asked(self, kind: Kind, outcome: Decoded) -> Reply:
        match outcome:
            case Asked(command=command, foreign_answer_host=host):
                self._tell_foreign(host)
                await self._handover.store(command)
                self._count(kind, "accepted")
                return OK
            case FormWanted():
                return await self._open(kind, outcome)
            case Submitted(command=command):
                return await self._check(kind, command)
            case Challenge(text=text):
                self._ignored(kind, "url_verification")
                return Reply(200, json.dumps({"challenge": text}).encode(), JSON)
            case Ignored(what=what):
                self._ignored(kind, what)
                return OK

    async def _open(self, kind: Kind, wanted: FormWanted) -> Reply:
        """A form now, or else a durable word that there was none: a trigger is worth no second try."""
        self._tell_foreign(wanted.foreign_answer_host)
        began = time.perf_counter()
        if await self._modals.open(wanted.form):
            self._count(kind, "answered")
            return OK
        await self._handover.store(wanted.instead, spent_seconds=time.perf_counter() - began)
        self._count(kind, "accepted")
        return OK

    async def _check(self, kind: Kind, run: RunTask) -> Reply:
        """Stored, which closes the form; or the form stays open and says what is wrong."""
        began = time.perf_counter()
        if errors := await self._modals.check(run.task, run.params):
            self._count(kind, "answered")
            return Reply(200, json.dumps({"response_action": "errors", "errors": errors}).encode(), JSON)
        await self._handover.store(run, spent_seconds=time.perf_counter() - began)
        self._count(kind, "accepted")
        return OK

    def _tell_foreign(self, host: str) -> None:
        if host:
            self._complaints.foreign_answer_host(host)

    def _ignored(self, kind: Kind, what: str) -> None:
        self._counters.ignored.labels(what).inc()
        self._count(kind, "ignored")

    def refuse(self, kind: Kind | Literal["frame"], refused: Refused) -> Reply:
        """Counts a refusal; "frame" is what arrives on a socket and is not even an envelope of a kind."""
        self._counters.refused.labels(refused.reason).inc()
        self._count(kind, "refused")
        self._complaints.say("refused", refused.reason)
        return Reply(refused.status, close=True)

    def _unavailable(self, kind: Kind, reason: str) -> Reply:
        self._counters.unavailable.labels(reason).inc()
        self._count(kind, "unavailable")
        self._complaints.say("not taken", reason)
        return Reply(503, close=reason in ("busy", "stopping"))

    def _broken(self, kind: Kind, error: Exception) -> Reply:
        """A bug of ours. The exception's text may hold what was sent, so only its type and place are logged."""
        self._count(kind, "broken")
        place = "".join(traceback.format_tb(error.__traceback__))
        log.error("request not taken: a bug (%s)\n%s", type(error).__name__, place)
        return Reply(503, close=True)

    def _count(self, kind: Kind | Literal["frame"], outcome: str) -> None:
        self._counters.requests.labels(kind, outcome).inc()
