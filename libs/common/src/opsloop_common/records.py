"""Records: small values under keys, changed by compare-and-swap. They lie in a bucket, as `nats kv` shows it."""

from typing import Generic, TypeVar

import msgspec

from opsloop_common import codec
from opsloop_common.bus import Bus, Expect, Stored
from opsloop_common.bus.connection import API_DEADLINE_SECONDS

T = TypeVar("T")


class Entry(msgspec.Struct, Generic[T], frozen=True):
    """A value and the revision it is at. `value` is None where the key was deleted."""

    key: str
    revision: int
    value: T | None


class Bucket(Generic[T]):
    """The records of one kind. Keys consist of tokens joined by dots."""

    def __init__(self, bus: Bus, name: str, struct: type[T]) -> None:
        self._bus = bus
        self._stream = f"KV_{name}"
        self._prefix = f"$KV.{name}."
        self._struct = struct

    async def get(self, key: str) -> Entry[T]:
        """The record as the leader has it; revision 0 if there never was one. Raises BusError, Undecodable."""
        found = await self._bus.last(self._stream, self._prefix + key)
        return self._entry(found) if found else Entry(key, 0, None)

    async def put(
        self,
        key: str,
        value: T,
        *,
        revision: int | None = None,
        fence: Expect | None = None,
        ttl_seconds: int = 0,
        deadline_seconds: float = API_DEADLINE_SECONDS,
    ) -> int:
        """Writes and returns the new revision. With `revision`, only if that is still the last (0: none).

        With `fence` in its place, only if what it names in the same bucket still stands: for records that whoever
        holds the fence writes alone.
        """
        return await self._bus.publish(
            self._prefix + key,
            codec.encode(value),
            expect=fence if revision is None else Expect(revision),
            ttl_seconds=ttl_seconds,
            deadline_seconds=deadline_seconds,
        )

    async def delete(self, key: str, *, revision: int | None = None, ttl_seconds: int = 0) -> None:
        """Leaves an empty record, the way a deleted key looks, for ever or a while. Raises Conflict like put."""
        expect = None if revision is None else Expect(revision)
        headers = {"KV-Operation": "DEL"}
        await self._bus.publish(self._prefix + key, b"", expect=expect, ttl_seconds=ttl_seconds, headers=headers)

    async def under(self, pattern: str) -> list[Entry[T]]:
        """The existing records whose keys match, e.g. `open.>`."""
        found = await self._bus.newest_of_each(self._stream, self._prefix + pattern)
        return [self._entry(one) for one in found if one.data]

    def _entry(self, found: Stored) -> Entry[T]:
        key = found.subject.removeprefix(self._prefix)
        value = codec.decode(found.data, self._struct) if found.data else None
        return Entry(key, found.sequence, value)
