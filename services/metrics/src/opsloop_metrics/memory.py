"""Answers remembered for a moment, and each asked for only once at a time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

V = TypeVar("V")

MOST_KEYS = 1_000


class Memory(Generic[V]):
    """`keep_seconds` says how long an answer holds. Whoever asks for what is being asked for waits for that answer."""

    def __init__(
        self,
        keep_seconds: Callable[[V], float],
        *,
        clock: Callable[[], float] = time.monotonic,
        most_keys: int = MOST_KEYS,
    ) -> None:
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._most_keys = most_keys
        self._kept: OrderedDict[tuple[object, ...], tuple[float, V]] = OrderedDict()
        self._asking: dict[tuple[object, ...], asyncio.Task[V]] = {}

    async def get(self, key: tuple[object, ...], ask: Callable[[], Awaitable[V]]) -> V:
        """The remembered answer, or a new one. Raises what `ask` raises, which is not remembered."""
        if (kept := self._kept.get(key)) and self._clock() < kept[0]:
            return kept[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(key, ask))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        # One of those who wait may give up without taking the answer from the others.
        return await asyncio.shield(asking)

    async def close(self) -> None:
        """Gives up what is being asked for."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, key: tuple[object, ...], ask: Callable[[], Awaitable[V]]) -> V:
        value = await ask()
        self._kept[key] = (self._clock() + self._keep_seconds(value), value)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most_keys:
            self._kept.popitem(last=False)
        return value
