"""Commands go to the broker here: stored and confirmed, or the person is told to try again.

What may have been stored all the same is handed to `unknowns`, which finds out.
"""

import asyncio
from typing import Literal, Protocol

import msgspec

from opsloop_common import codec, commands, tracing
from opsloop_common.bus import BusError, Unconfirmed, Unsent
from opsloop_common.commands import AnyCommand
from opsloop_common.subjects import Subjects
from opsloop_ingress.counters import Counters
from opsloop_ingress.unknowns import Unknowns

DEADLINE_SECONDS = 2.0
WHOLE_SECONDS = 2.6
ATTEMPT_SECONDS = 0.6
PAUSE_SECONDS = 0.05

Why = Literal["no_broker", "broker_refused", "unconfirmed"]


class Unavailable(Exception):
    """The command is not known to be stored; Slack gets a 503, or no acknowledgement."""

    def __init__(self, reason: Why) -> None:
        super().__init__(reason)
        self.reason: Why = reason


class CommandBus(Protocol):
    async def publish(
        self, subject: str, payload: bytes, *, message_id: str = "", deadline_seconds: float = 2.0
    ) -> int: ...


class _Sending(msgspec.Struct):
    """`is_unknown`: something left, and what became of it is not known."""

    is_unknown: bool = False


class Handover:
    """Stores commands, each exactly once however often it is sent. `bus` is set when there is a broker."""

    def __init__(self, subjects: Subjects, counters: Counters, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self.bus: CommandBus | None = None
        self.unknowns = Unknowns(self._try, counters)
        self._subjects = subjects
        self._deadline_seconds = deadline_seconds

    async def store(self, command: AnyCommand, *, spent_seconds: float = 0.0) -> None:
        """Returns once the broker has stored the command. Raises Unavailable within the deadline.

        Of Slack's three seconds `spent_seconds` are gone already; some are kept for the way there and back.

        An unknown outcome is repeated under the same id until it is known: the broker keeps the first and confirms
        the others. One attempt is shorter than the deadline, because an answer lost in a reconnection never comes.
        """
        if self.bus is None:
            raise Unavailable("no_broker")
        sending = _Sending()
        try:
            left_seconds = max(0.0, WHOLE_SECONDS - spent_seconds)
            async with asyncio.timeout(min(self._deadline_seconds, left_seconds)):
                await self._until_known(self.bus, command, sending)
        except TimeoutError as error:
            raise Unavailable("unconfirmed" if sending.is_unknown else "no_broker") from error
        except BusError as error:
            raise Unavailable("broker_refused") from error
        finally:
            # Also when the server, or the person, did not wait for the outcome.
            if sending.is_unknown:
                self.unknowns.add(command)

    async def _until_known(self, bus: CommandBus, command: AnyCommand, sending: "_Sending") -> None:
        while True:
            before, sending.is_unknown = sending.is_unknown, True
            try:
                await self._publish(bus, command)
                sending.is_unknown = False
                return
            except Unsent:
                sending.is_unknown = before
            except Unconfirmed:
                pass
            except BusError:
                # Only this attempt is known to have left nothing.
                sending.is_unknown = before
                raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def _try(self, command: AnyCommand) -> bool:
        """Once. Refused, too, says nothing about what was sent before."""
        if self.bus is None:
            return False
        try:
            await self._publish(self.bus, command)
        except BusError:
            return False
        return True

    async def _publish(self, bus: CommandBus, command: AnyCommand) -> None:
        subject = self._subjects.command(commands.VERBS[type(command)])
        await bus.publish(subject, _message(command), message_id=command.request_id, deadline_seconds=ATTEMPT_SECONDS)


def _message(command: AnyCommand) -> bytes:
    return codec.encode(
        codec.envelope(
            id=command.request_id,
            source="opsloop/ingress",
            type=codec.command_type(command),
            time=command.asked_at,
            subject=command.request_id,
            data=command,
            traceparent=tracing.current(),
        )
    )
