"""Questions and answers over the broker, as NATS micro services: seen with `nats micro ls`, never stored.

Replicas share the questions. Each is answered in a task of its own, for the NATS client hands them over one by one; a
question that cannot be understood is answered 400 with a sentence, a bug 500 without its details.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import msgspec
import nats.errors
from nats.micro import add_service
from nats.micro.request import ERROR_CODE_HEADER, ERROR_HEADER, Request
from nats.micro.service import Service
from prometheus_client import CollectorRegistry, Counter, Histogram

from opsloop_common import codec, tracing
from opsloop_common.bus import Bus

log = logging.getLogger(__name__)

Q = TypeVar("Q", bound=msgspec.Struct)
A = TypeVar("A", bound=msgspec.Struct)

AT_ONCE = 64
ADD_AGAIN_SECONDS = 0.5
LAST_ANSWERS_SECONDS = 1.0
LONGEST_ERROR = 300
BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

Answered = Literal["answered", "bad_request", "failed"]
"""What became of a question: an answer, a sentence about what is wrong with it, or a bug of ours."""

NO_RESPONDERS = "no_responders"
TIMEOUT = "timeout"
DISCONNECTED = "disconnected"
UNREADABLE = "unreadable"


class BadRequest(Exception):
    """The question itself is wrong; the sentence goes to whoever asked."""


class Unanswered(Exception):
    """There is no answer. `code` is `no_responders`, `timeout`, `disconnected`, `unreadable`, or what was answered
    instead of one: "400" for a bad question, "500" for a bug."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Endpoint(msgspec.Struct, frozen=True):
    """Where questions of one kind arrive. `answer` takes and returns the messages' bytes."""

    name: str
    subject: str
    answer: Callable[[bytes], Awaitable[bytes]]


def endpoint(name: str, subject: str, question: type[Q], answer: Callable[[Q], Awaitable[A]]) -> Endpoint:
    """An endpoint that takes and returns structs. `answer` raises BadRequest for what it cannot understand."""

    async def from_bytes(payload: bytes) -> bytes:
        try:
            asked = codec.decode(payload, question)
        except codec.Undecodable as error:
            raise BadRequest(f"not a {question.__name__}: {error}") from error
        return codec.encode(await answer(asked))

    return Endpoint(name, subject, from_bytes)


class QuestionSeries:
    """What a process tells of the questions it answers, by subject: those are its endpoints', so they are few."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "opsloop_questions",
            "Questions over the broker by what became of them: answered, bad_request, failed.",
            ["subject", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "opsloop_question_seconds",
            "From a question's arrival to its answer, its wait for a turn included.",
            ["subject"],
            buckets=BUCKETS,
            registry=registry,
        )

    def answered(self, subject: str, outcome: Answered, seconds: float) -> None:
        self._answers.labels(subject, outcome).inc()
        self._seconds.labels(subject).observe(seconds)


async def serve(
    bus: Bus,
    *,
    name: str,
    version: str,
    description: str,
    endpoints: tuple[Endpoint, ...],
    at_once: int = AT_ONCE,
    series: QuestionSeries | None = None,
) -> None:
    """Answers until cancelled, at most `at_once` questions side by side; those beyond wait in the connection.

    Survives reconnections. On its way out it takes no more questions and gives the open ones a second.
    """
    desk = _Desk(at_once, series)
    service = await _added(bus, name, version, description, endpoints, desk)
    try:
        await asyncio.Event().wait()
    finally:
        with contextlib.suppress(nats.errors.Error, OSError):
            await service.stop()
        await desk.close()


async def request(
    bus: Bus, subject: str, question: msgspec.Struct | msgspec.Raw, answer_type: type[A], deadline_seconds: float
) -> A:
    """Asks and returns the answer. Raises Unanswered, within the deadline."""
    try:
        payload, context = codec.encode(question), tracing.headers() or None
        reply = await bus.client.request(subject, payload, timeout=deadline_seconds, headers=context)
    except nats.errors.NoRespondersError as error:
        raise Unanswered(NO_RESPONDERS, f"nobody answers {subject}") from error
    except (nats.errors.TimeoutError, TimeoutError) as error:
        raise Unanswered(TIMEOUT, f"no answer from {subject} within {deadline_seconds:g} s") from error
    except (nats.errors.Error, OSError) as error:
        raise Unanswered(DISCONNECTED, f"{subject}: {type(error).__name__}") from error
    headers = reply.headers or {}
    if code := headers.get(ERROR_CODE_HEADER):
        raise Unanswered(code, headers.get(ERROR_HEADER, ""))
    try:
        return codec.decode(reply.data, answer_type)
    except codec.Undecodable as error:
        raise Unanswered(UNREADABLE, str(error)) from error


class _Desk:
    """Runs each question in a task of its own, and only so many at once."""

    def __init__(self, at_once: int, series: QuestionSeries | None) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._series = series
        self._tasks: set[asyncio.Task[None]] = set()

    def handler(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[None]]:
        async def take(request: Request) -> None:
            if not _is_inbox(request):
                log.warning("%s: a question whose answer was to go to a subject that is no inbox", request.subject)
                return
            arrived_at = time.monotonic()
            await self._slots.acquire()
            task = asyncio.create_task(self._reply(endpoint, request, arrived_at))
            self._tasks.add(task)
            task.add_done_callback(self._done)

        return take

    async def _reply(self, endpoint: Endpoint, request: Request, arrived_at: float) -> None:
        """Answers whatever happens, unless nobody can be reached: then the question's deadline tells."""
        with contextlib.suppress(nats.errors.Error, OSError):
            outcome = await _answered(endpoint, request)
            if self._series is not None:
                self._series.answered(endpoint.subject, outcome, time.monotonic() - arrived_at)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()

    async def close(self) -> None:
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=LAST_ANSWERS_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _is_inbox(request: Request) -> bool:
    """Whoever may ask here could otherwise have our answer published where they may not publish themselves."""
    reply = request._msg.reply
    return not reply or reply.startswith("_INBOX")


async def _answered(endpoint: Endpoint, request: Request) -> Answered:
    try:
        with tracing.span(f"answer {endpoint.name}", (request.headers or {}).get(tracing.HEADER, "")):
            answer = await endpoint.answer(request.data)
        return await _send(request, answer)
    except BadRequest as error:
        await _refuse(request, "400", str(error))
        return "bad_request"
    except Exception:
        log.exception("answering %s", endpoint.subject)
        await _refuse(request, "500", "internal error")
        return "failed"


async def _send(request: Request, answer: bytes) -> Answered:
    try:
        await request.respond(answer)
    except nats.errors.MaxPayloadError:
        log.error("an answer of %d bytes is more than the broker takes", len(answer))
        await _refuse(request, "500", "internal error")
        return "failed"
    except ValueError:
        log.warning("%s: a message that wants no answer", request.subject)
        return "bad_request"
    return "answered"


async def _refuse(request: Request, code: str, text: str) -> None:
    with contextlib.suppress(ValueError):
        await request.respond_error(code, _one_line(text))


def _one_line(text: str) -> str:
    """The sentence as a header can hold it."""
    return " ".join(text.split())[:LONGEST_ERROR].encode("ascii", "backslashreplace").decode()


async def _added(
    bus: Bus, name: str, version: str, description: str, endpoints: tuple[Endpoint, ...], desk: _Desk
) -> Service:
    """The service with its endpoints, tried until the broker is there."""
    while True:
        service: Service | None = None
        try:
            service = await add_service(bus.client, name=name, version=version, description=description)
            for one in endpoints:
                await service.add_endpoint(name=one.name, subject=one.subject, handler=desk.handler(one))
            await bus.client.flush()
            return service
        except (nats.errors.Error, OSError, TimeoutError) as error:
            log.warning("cannot answer questions yet: %s", type(error).__name__)
            if service is not None:
                with contextlib.suppress(nats.errors.Error, OSError):
                    await service.stop()
            await asyncio.sleep(ADD_AGAIN_SECONDS)
