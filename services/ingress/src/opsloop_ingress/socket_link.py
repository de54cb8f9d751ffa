"""One Socket Mode connection from Slack's greeting to its end: takes envelopes, acknowledges those that are stored."""

import asyncio
import logging

import aiohttp

from opsloop_ingress import envelope
from opsloop_ingress.envelope import Envelope, Goodbye, Hello
from opsloop_ingress.intake import Intake
from opsloop_ingress.refusal import Refused
from opsloop_ingress.socket_address import CannotOpen, Place

log = logging.getLogger(__name__)

OPEN_SECONDS = 10.0
HEARTBEAT_SECONDS = 10.0
LARGEST_FRAME_BYTES = 1024 * 1024
LINGER_SECONDS = 10.0
ANSWER_SECONDS = 3.0  # more than the intake ever takes
GRACE_SECONDS = 1.0
CLOSE_SECONDS = 0.3

LOST = ""


async def connect(session: aiohttp.ClientSession, url: str, place: Place) -> aiohttp.ClientWebSocketResponse:
    """A connection on which Slack has said hello. Raises CannotOpen."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            websocket = await session.ws_connect(
                url,
                heartbeat=HEARTBEAT_SECONDS,
                max_msg_size=LARGEST_FRAME_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                proxy=place.proxy or None,
            )
            try:
                await _greeted(websocket)
            except BaseException:
                await websocket.close()
                raise
            return websocket
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise CannotOpen(f"the connection to Slack fails ({type(error).__name__})") from error


async def _greeted(websocket: aiohttp.ClientWebSocketResponse) -> None:
    message = await websocket.receive()
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise CannotOpen("the connection to Slack ended before its greeting")
    try:
        frame = envelope.read(message.data)
    except Refused as error:
        raise CannotOpen("what answers is not Slack: no greeting") from error
    if isinstance(frame, Goodbye):
        raise CannotOpen(f"Slack wants no connection: {frame.reason}")
    if not isinstance(frame, Hello):
        raise CannotOpen("what answers is not Slack: no greeting")


class Link:
    """Serves one connection. `ending` becomes Slack's reason for a goodbye, or LOST when the connection ends first."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse, intake: Intake) -> None:
        self.ending: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._websocket = websocket
        self._intake = intake
        self._answering: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Returns when the connection has ended; after a goodbye it lingers, for Slack may still send something.

        Cancelled, it grants the requests in flight a second: what is not stored by then is not acknowledged.
        """
        grace_seconds = ANSWER_SECONDS
        try:
            async with asyncio.timeout(None) as limit:
                await self._read(limit)
        except TimeoutError:
            log.debug("a connection that Slack was about to close has been closed from here")
        except asyncio.CancelledError:
            grace_seconds = GRACE_SECONDS
            raise
        finally:
            self._end(LOST)
            await self._finish(grace_seconds)

    async def _read(self, limit: asyncio.Timeout) -> None:
        async for message in self._websocket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                frame = envelope.read(message.data)
            except Refused as refused:
                self._intake.refuse("frame", refused)
                continue
            match frame:
                case Goodbye(reason=reason):
                    limit.reschedule(asyncio.get_running_loop().time() + LINGER_SECONDS)
                    self._end(reason)
                case Envelope():
                    self._answer(frame)

    def _answer(self, frame: Envelope) -> None:
        """Side by side: one slow request holds up no other. How many at once is the intake's business."""
        task = asyncio.create_task(self._take(frame))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _take(self, frame: Envelope) -> None:
        reply = await self._intake.take_payload(frame.kind, frame.payload)
        if reply.status != 200:
            return
        try:
            # On the connection it came by, or not at all: a repetition by Slack is the same request to the broker.
            await self._websocket.send_str(envelope.acknowledgement(frame, reply.body))
        except (aiohttp.ClientError, OSError) as error:
            log.warning("a request is stored, but its acknowledgement is lost (%s)", type(error).__name__)

    def _end(self, reason: str) -> None:
        if not self.ending.done():
            self.ending.set_result(reason)

    async def _finish(self, grace_seconds: float) -> None:
        if self._answering:
            await asyncio.wait(self._answering, timeout=grace_seconds)
        for task in self._answering:
            task.cancel()
        await self._websocket.close()
