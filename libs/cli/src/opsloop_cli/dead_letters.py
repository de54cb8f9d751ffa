"""`opsloop dlq`: what could not be processed, for the person who looks after it."""

from collections.abc import Mapping

from opsloop_cli.stack import REACH_SECONDS, reach
from opsloop_common import codec
from opsloop_common.bus import Bus, BusError
from opsloop_common.bus.connection import Stored
from opsloop_common.events import DeadLetter
from opsloop_common.redact import Redactor
from opsloop_common.runtime import CannotStart
from opsloop_common.settings import Environment
from opsloop_common.subjects import Subjects

NOTHING = "no dead letters"
LONGEST_REASON = 100


async def run(environment: Mapping[str, str], action: str, number: int) -> int:
    """Prints what was asked. Raises CannotStart, SettingsError."""
    env = Environment(environment)
    url, subjects = env.text("NATS_URL", "nats://127.0.0.1:4222"), env.root()
    env.check()
    bus = await reach(url, REACH_SECONDS)
    try:
        for line in await _done(DeadLetters(bus, subjects), action, number):
            print(line)
    except BusError as error:
        raise CannotStart(f"the broker did not do it: {error}") from error
    finally:
        await bus.close()
    return 0


async def _done(letters: "DeadLetters", action: str, number: int) -> list[str]:
    match action:
        case "show":
            return shown(number, await letters.letter(number))
        case "replay":
            return [await letters.replay(number)]
        case "drop":
            return [await letters.drop(number)]
    return [row(number, letter) for number, letter in await letters.all()] or [NOTHING]


class DeadLetters:
    """The dead letters in a broker. A letter's number is its sequence in the stream."""

    def __init__(self, bus: Bus, subjects: Subjects) -> None:
        self._bus = bus
        self._subjects = subjects
        self._stream = subjects.stream("DLQ")

    async def all(self) -> list[tuple[int, DeadLetter]]:
        found = await self._bus.read(self._stream, f"{self._subjects.root}.dlq.>")
        return [(stored.sequence, _letter(stored)) for stored in found]

    async def letter(self, number: int) -> DeadLetter:
        """Raises CannotStart when there is none of this number."""
        found = await self._bus.following(self._stream, f"{self._subjects.root}.dlq.>", number) if number > 0 else None
        if found is None or found.sequence != number:
            raise CannotStart(f"there is no dead letter {number}: `opsloop dlq list` shows them")
        return _letter(found)

    async def replay(self, number: int) -> str:
        """Publishes a request as it was. Its id is in it, so what it had led to already is not done twice.

        An event is refused: published again it would become its task's newest state.
        """
        letter = await self.letter(number)
        if letter.stream != self._subjects.stream("CMD"):
            raise CannotStart(
                f"dead letter {number} is an event, which still stands in {letter.stream} at {letter.sequence}; only "
                "requests can be replayed"
            )
        sequence = await self._bus.publish(letter.subject, letter.data)
        await self._bus.delete(self._stream, number)
        return f"replayed {number} as {letter.stream} {sequence}"

    async def drop(self, number: int) -> str:
        await self.letter(number)
        await self._bus.delete(self._stream, number)
        return f"dropped {number}"


def row(number: int, letter: DeadLetter) -> str:
    """A letter in a line."""
    reason = letter.reason if len(letter.reason) <= LONGEST_REASON else letter.reason[: LONGEST_REASON - 1] + "…"
    return plain(f"{number:>6}  {letter.at:%Y-%m-%d %H:%M:%S}  {letter.service:<12}  {letter.subject}  {reason}")


def shown(number: int, letter: DeadLetter) -> list[str]:
    """Everything about a letter, a line each; the message itself is the last."""
    return [
        f"number   {number}",
        f"at       {letter.at.isoformat()}",
        f"service  {plain(letter.service)}",
        f"reason   {plain(letter.reason)}",
        f"subject  {plain(letter.subject)}",
        f"stored   {plain(letter.stream)} {letter.sequence}",
        plain(letter.data.decode(errors="backslashreplace")),
    ]


def plain(text: str) -> str:
    """Text as a terminal may show it: without secrets, and with control characters spelled out."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in Redactor()(text)
    )


def _letter(stored: Stored) -> DeadLetter:
    return codec.decode(stored.data, DeadLetter)
