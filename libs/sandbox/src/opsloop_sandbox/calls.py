"""The oracle: an append-only log of everything that reached or left the sandbox, kept over restarts."""

import asyncio
from pathlib import Path

import msgspec

from opsloop_sandbox.contract import Call
from opsloop_sandbox.journal import Journal


class CallLog:
    def __init__(self, journal_path: Path) -> None:
        self._journal: Journal[Call] = Journal(journal_path, Call)
        self._calls = list(self._journal.replay())
        self._grown = asyncio.Event()

    def close(self) -> None:
        self._journal.close()

    def add(self, call: Call) -> Call:
        """Gives the call its number; whatever number it had is replaced."""
        call = msgspec.structs.replace(call, n=len(self._calls) + 1)
        self._journal.append(call)
        self._calls.append(call)
        self._grown.set()
        return call

    def after(self, number: int) -> list[Call]:
        return self._calls[max(0, number) :]

    async def wait_after(self, number: int, wait_seconds: float) -> list[Call]:
        """The calls after `number`, waiting for one if there is none yet; empty when the time is over."""
        try:
            async with asyncio.timeout(wait_seconds):
                while len(self._calls) <= number:
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            pass
        return self.after(number)
