"""The broker as OpsLoop uses it: publish with an outcome, read the last message, consume with backpressure.

A publish is confirmed (it returns), refused (`Conflict`, `Refused`) or unknown (`Unconfirmed`): an unknown one may
have been stored and must be repeated under the same expectation or message id until it is known.

    BusError
    ├── Conflict      the subject moved on: load it and decide again
    ├── Refused       the broker said no (full, too large, no such stream)
    └── Unconfirmed   no answer: stored or not
        └── Unsent    it never left, for the broker is away: not stored
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from opsloop_common import crash, tracing

log = logging.getLogger(__name__)

API_DEADLINE_SECONDS = 2.0
CONNECT_SECONDS = 2.0
WRONG_LAST_SEQUENCE = 10071
NO_MESSAGE_FOUND = 10037
NO_STREAM_FOUND = 10059
SEQUENCE_NOT_FOUND = 10043
PARTITION = "-0123456789"
"""What a consumer's name ends with where there are several of a kind."""


class BusError(Exception):
    """What the broker answered, or that it did not."""


class Conflict(BusError):
    pass


class Refused(BusError):
    pass


class Unconfirmed(BusError):
    pass


class Unsent(Unconfirmed):
    pass


class Expect(msgspec.Struct, frozen=True):
    """The publish succeeds only if `sequence` is the last of all messages on `subject` (a wildcard counts them all).

    0 means that there is none. An empty `subject` is the one published to.
    """

    sequence: int
    subject: str = ""


class Stored(msgspec.Struct, frozen=True):
    """A message in a stream."""

    subject: str
    sequence: int
    data: bytes
    time: datetime


class Seen(msgspec.Struct, frozen=True):
    """A message that passed by."""

    subject: str
    data: bytes


class Progress(msgspec.Struct, frozen=True):
    """How far a durable consumer has come, in sequences of its stream.

    Everything up to `acknowledged` is done with; what lies between that and `delivered` may be in somebody's hands;
    `waiting` messages have not been delivered to anybody.
    """

    acknowledged: int
    delivered: int
    waiting: int


class _ApiError(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Ack(msgspec.Struct):
    seq: int = 0
    duplicate: bool = False
    error: _ApiError | None = None


class _StreamInfo(msgspec.Struct):
    created: datetime | None = None
    ts: datetime | None = None
    error: _ApiError | None = None


class _Message(msgspec.Struct):
    subject: str
    seq: int
    time: datetime
    data: bytes = b""


class _Position(msgspec.Struct, frozen=True):
    stream_seq: int = 0


class _ConsumerReply(msgspec.Struct):
    ack_floor: _Position = _Position()
    delivered: _Position = _Position()
    num_pending: int = 0
    error: _ApiError | None = None


class _MessageReply(msgspec.Struct):
    message: _Message | None = None
    error: _ApiError | None = None


class Bus:
    """One connection to the broker. Nothing is buffered while it is away: a publish then fails at once."""

    def __init__(self, client: Client, on_return: list[Callable[[], None]]) -> None:
        self._client = client
        self.on_return = on_return
        """Called after each reconnection: what was asked of the broker before is forgotten there."""

    @classmethod
    async def connect(cls, url: str, name: str) -> "Bus":
        """Connects, and reconnects for ever after. Raises OSError when the broker cannot be reached now."""

        async def on_error(error: Exception) -> None:
            log.warning("broker connection: %s", type(error).__name__)

        callbacks: list[Callable[[], None]] = []

        async def on_return() -> None:
            log.info("broker connection is back")
            for callback in callbacks:
                callback()

        client = Client()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect(
                    url,
                    name=name,
                    connect_timeout=2,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.25,  # type: ignore[arg-type] # annotated int, used as any delay
                    ping_interval=3,
                    max_outstanding_pings=2,
                    pending_size=0,
                    error_cb=on_error,
                    reconnected_cb=on_return,
                )
        except (nats.errors.Error, OSError, TimeoutError) as error:
            # It would go on trying by itself.
            await client.close()
            raise OSError(f"no broker at {url}: {error or type(error).__name__}") from error
        return cls(client, callbacks)

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    @property
    def version(self) -> tuple[int, int]:
        """Of the broker, as far as it matters: (2, 12)."""
        found = self._client.connected_server_version
        return found.major, found.minor

    @property
    def client(self) -> Client:
        """The connection itself, for the modules that set up streams and serve requests."""
        return self._client

    async def close(self) -> None:
        """Sends what is pending and closes; never waits longer than a second."""
        with contextlib.suppress(Exception):
            if self._client.is_connected:
                await self._client.flush(1)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._client.close(), 1)

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        expect: Expect | None = None,
        message_id: str = "",
        ttl_seconds: int = 0,
        headers: Mapping[str, str] | None = None,
        deadline_seconds: float = API_DEADLINE_SECONDS,
    ) -> int:
        """Stores a message and returns its sequence, once the broker has it. Raises Conflict, Refused, Unconfirmed."""
        all_headers = {**_headers(expect, message_id, ttl_seconds), **tracing.headers(), **(headers or {})}
        reply = await self._ask(subject, payload, all_headers or None, deadline_seconds)
        try:
            ack = msgspec.json.decode(reply, type=_Ack)
        except msgspec.MsgspecError as error:
            raise Unconfirmed(f"{subject}: unreadable acknowledgement") from error
        if ack.error is None:
            return ack.seq
        if ack.error.err_code == WRONG_LAST_SEQUENCE:
            raise Conflict(f"{subject}: {ack.error.description}")
        raise Refused(f"{subject}: {ack.error.description}")

    async def last(self, stream: str, subject: str) -> Stored | None:
        """The newest message on a subject (or over a wildcard), as the stream's leader has it."""
        return await self._get(stream, {"last_by_subj": subject})

    async def following(self, stream: str, subject: str, sequence: int) -> Stored | None:
        """The first message on a subject (or over a wildcard) at or after a sequence."""
        return await self._get(stream, {"next_by_subj": subject, "seq": sequence})

    async def read(self, stream: str, subject: str, *, at_most: int = 5_000, first: int = 1) -> list[Stored]:
        """The messages on a subject (or over a wildcard) from the sequence `first` on, oldest first."""
        found: list[Stored] = []
        sequence = first
        while len(found) < at_most:
            page = await self._direct(stream, {"next_by_subj": subject, "seq": sequence, "batch": 256})
            found += page
            if len(page) < 256:
                break
            sequence = page[-1].sequence + 1
        return found[:at_most]

    async def newest_of_each(self, stream: str, subject: str) -> list[Stored]:
        """The newest message of every subject under a wildcard. Ordered by sequence."""
        return await self._direct(stream, {"multi_last": [subject]})

    async def created_at(self, stream: str) -> datetime | None:
        """When a stream was made; None when there is none. It tells a stream from one made anew under its name."""
        return (await self._info(stream)).created

    async def clock(self, stream: str) -> datetime | None:
        """What time it is for the broker; None when it has no such stream to tell it with."""
        return (await self._info(stream)).ts

    async def _info(self, stream: str) -> _StreamInfo:
        answer = msgspec.json.decode(await self._ask(f"$JS.API.STREAM.INFO.{stream}", b""), type=_StreamInfo)
        if answer.error is not None:
            if answer.error.err_code != NO_STREAM_FOUND:
                raise Refused(f"{stream}: {answer.error.description}")
            return _StreamInfo()
        return answer

    async def delete(self, stream: str, sequence: int) -> bool:
        """Removes one message; False when there is none. Raises Refused, Unconfirmed."""
        reply = await self._ask(f"$JS.API.STREAM.MSG.DELETE.{stream}", msgspec.json.encode({"seq": sequence}))
        answer = msgspec.json.decode(reply, type=_Ack)
        if answer.error is None:
            return True
        if answer.error.err_code in (NO_MESSAGE_FOUND, SEQUENCE_NOT_FOUND):
            return False
        raise Refused(f"{stream} {sequence}: {answer.error.description}")

    async def progress(self, stream: str, consumer: str) -> Progress:
        """How far a consumer has come. Raises Refused, Unconfirmed."""
        reply = await self._ask(f"$JS.API.CONSUMER.INFO.{stream}.{consumer}", b"")
        found = msgspec.json.decode(reply, type=_ConsumerReply)
        if found.error is not None:
            raise Refused(f"{stream}/{consumer}: {found.error.description}")
        return Progress(found.ack_floor.stream_seq, found.delivered.stream_seq, found.num_pending)

    async def watch(self, subject: str) -> AsyncIterator[Seen]:
        """Messages as they pass by, nothing of the past, none guaranteed: for onlookers, never for work.

        Survives reconnections; what passes while the broker is away is not seen.
        """
        subscription = await self._client.subscribe(subject, pending_msgs_limit=10_000)
        try:
            async for message in subscription.messages:
                yield Seen(message.subject, message.data)
        finally:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def _get(self, stream: str, query: Mapping[str, object]) -> Stored | None:
        reply = await self._ask(f"$JS.API.STREAM.MSG.GET.{stream}", msgspec.json.encode(query))
        answer = msgspec.json.decode(reply, type=_MessageReply)
        if answer.message is not None:
            found = answer.message
            return Stored(found.subject, found.seq, found.data, found.time)
        if answer.error is not None and answer.error.err_code == NO_MESSAGE_FOUND:
            return None
        raise Refused(f"{stream}: {answer.error.description if answer.error else 'empty answer'}")

    async def _direct(self, stream: str, query: Mapping[str, object]) -> list[Stored]:
        """A batch of messages by one request; the broker sends them one by one and a last one without data."""
        inbox = self._client.new_inbox()
        crash.crossing("before", _deed, f"$JS.API.DIRECT.GET.{stream}")
        try:
            subscription = await self._client.subscribe(inbox)
            try:
                await self._client.publish(f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(query), reply=inbox)
                return [_stored(message) async for message in _until_status(subscription.next_msg)]
            finally:
                await subscription.unsubscribe()
        except (nats.errors.Error, TimeoutError) as error:
            raise Unconfirmed(f"{stream}: {type(error).__name__}") from error

    async def _ask(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str] | None = None,
        deadline_seconds: float = API_DEADLINE_SECONDS,
    ) -> bytes:
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task else 0
        crash.crossing("before", _deed, subject)
        try:
            reply = await self._client.request(subject, payload, timeout=deadline_seconds, headers=headers)
        except nats.errors.NoRespondersError as error:
            raise Refused(f"{subject}: no stream takes it") from error
        except nats.errors.OutboundBufferLimitError as error:
            raise Unsent(f"{subject}: the broker is away") from error
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise Unconfirmed(f"{subject}: {type(error).__name__}") from error
        if task and task.cancelling() > cancelled_before:
            # The client waits with asyncio.wait_for, which (3.11) drops a cancellation that comes with the reply.
            raise asyncio.CancelledError
        crash.crossing("after", _deed, subject)
        return reply.data


def _deed(subject: str) -> str:
    """What is asked of the broker, in words that name no id."""
    match subject.split("."):
        case ["$KV", bucket, *key]:
            return f"put {bucket}.epoch" if "epoch" in key else f"put {bucket}"
        case ["$JS", "API", "CONSUMER", verb, stream, durable]:
            return f"{verb.lower()} {stream}/{durable.rstrip(PARTITION)}"
        case ["$JS", "API", *_, verb, stream]:
            return f"{verb.lower()} {stream}"
        case [_, "evt" | "cmd" as kind, *_, name]:
            return f"publish {kind}.{name}"
        case [_, kind, *_]:
            return f"publish {kind}"
    return "publish"


def _headers(expect: Expect | None, message_id: str, ttl_seconds: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    if expect is not None:
        headers["Nats-Expected-Last-Subject-Sequence"] = str(expect.sequence)
        if expect.subject:
            headers["Nats-Expected-Last-Subject-Sequence-Subject"] = expect.subject
    if message_id:
        headers["Nats-Msg-Id"] = message_id
    if ttl_seconds:
        headers["Nats-TTL"] = f"{ttl_seconds}s"
    return headers


async def _until_status(next_message: Callable[..., Awaitable[Msg]]) -> AsyncIterator[Msg]:
    """Messages of a batch, until the broker's end (204) or "nothing there" (404)."""
    while True:
        message = await next_message(timeout=API_DEADLINE_SECONDS)
        if status := (message.headers or {}).get("Status"):
            if status not in ("204", "404"):
                raise Refused(f"direct get: {status} {(message.headers or {}).get('Description', '')}")
            return
        yield message


def _stored(message: Msg) -> Stored:
    headers = message.headers or {}
    return Stored(
        subject=headers["Nats-Subject"],
        sequence=int(headers["Nats-Sequence"]),
        data=message.data,
        time=datetime.fromisoformat(_microseconds(headers["Nats-Time-Stamp"])),
    )


def _microseconds(stamp: str) -> str:
    """RFC 3339 with nanoseconds as the broker writes it, cut to what datetime can hold."""
    head, dot, fraction = stamp.rstrip("Z").partition(".")
    return f"{head}{dot}{fraction[:6]}+00:00"
