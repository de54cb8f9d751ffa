"""How fast one publisher is taken in: so many at once, then so many a second, in the order of asking."""

import asyncio


class Pace:
    """Constructed inside the running loop."""

    def __init__(self, rate_per_second: float, burst: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._rate = rate_per_second
        self._burst = float(burst)
        self._left = float(burst)
        self._at = self._loop.time()
        self._order = asyncio.Lock()

    async def turn(self) -> None:
        """Returns when it is our turn."""
        async with self._order:
            self._refill()
            if self._left < 1:
                await asyncio.sleep((1 - self._left) / self._rate)
                self._refill()
            self._left -= 1

    def _refill(self) -> None:
        now = self._loop.time()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
