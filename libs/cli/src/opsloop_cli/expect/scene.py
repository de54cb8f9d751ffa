"""What one user sees in one channel, and how it changed while watched. Pure but for `Watch`."""

import time

import msgspec

from opsloop_cli.expect import plain
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import Delivery, SeenMessage
from opsloop_sandbox.json_value import as_text, walk


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it stands: its text, where it is, and the action ids of its buttons."""

    ts: str
    text: str
    is_private: bool = False
    thread_ts: str = ""
    actions: tuple[str, ...] = ()


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """The moment a message appeared or changed. Seconds since the stage began."""

    at_seconds: float
    message: Seen
    is_change: bool


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What expectations look at: everything visible now, and what happened in this stage."""

    now: tuple[Seen, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    delivery: Delivery | None = None

    @property
    def touched(self) -> tuple[Seen, ...]:
        """The messages that appeared or changed in this stage, as they stand now."""
        touched = {sighting.message.ts for sighting in self.sightings}
        return tuple(seen for seen in self.now if seen.ts in touched)

    def replies(self, parent: Seen) -> tuple[Seen, ...]:
        return tuple(seen for seen in self.now if seen.thread_ts == parent.ts)

    def versions(self, ts: str) -> tuple[str, ...]:
        """The texts that a message had in this stage, oldest first."""
        return tuple(sighting.message.text for sighting in self.sightings if sighting.message.ts == ts)


def flat(messages: list[SeenMessage]) -> tuple[Seen, ...]:
    """Messages with their threads, in the order a reader meets them."""
    found: list[Seen] = []
    for message in messages:
        found.append(_seen(message))
        found += [_seen(reply, message.ts) for reply in message.replies]
    return tuple(found)


def _seen(message: SeenMessage, parent: str = "") -> Seen:
    ids = tuple(action for part in walk(message.blocks) if (action := as_text(part.get("action_id"))))
    return Seen(
        ts=message.ts,
        text=plain.message(message),
        is_private=message.ephemeral,
        thread_ts=parent or (message.thread_ts or "" if message.thread_ts != message.ts else ""),
        actions=ids,
    )


class Watch:
    """Looks at a channel through one user's eyes and remembers what changed since `begin`."""

    def __init__(self, sandbox: SandboxClient, user: str, channel: str) -> None:
        self._sandbox = sandbox
        self._user = user
        self._channel = channel
        self._known: dict[str, Seen] = {}
        self._sightings: list[Sighting] = []
        self._began_at = time.monotonic()

    def begin(self) -> None:
        """A new stage: from now on only its own changes count."""
        self._sightings.clear()
        self._began_at = time.monotonic()

    async def look(self, delivery: Delivery | None) -> Scene:
        """The scene now. Raises aiohttp.ClientError, ControlError."""
        now = flat(await self._sandbox.messages(self._user, self._channel))
        for seen in now:
            before = self._known.get(seen.ts)
            if before is None or before.text != seen.text:
                at_seconds = time.monotonic() - self._began_at
                self._sightings.append(Sighting(at_seconds=at_seconds, message=seen, is_change=before is not None))
            self._known[seen.ts] = seen
        return Scene(now=now, sightings=tuple(self._sightings), delivery=delivery)
