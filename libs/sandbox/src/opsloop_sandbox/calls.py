"""The oracle: an append-only log of everything that reached or left the sandbox, kept over restarts."""

import asyncio
from collections import OrderedDict
from pathlib import Path

import msgspec

from opsloop_sandbox.changes import CallAdded, Changes
from opsloop_sandbox.contract import Call
from opsloop_sandbox.journal import Journal
from opsloop_sandbox.json_value import JsonObject

MOST_ANSWERS = 200


class CallLog:
    def __init__(self, journal_path: Path, changes: Changes) -> None:
        self._changes = changes
        self._answers: OrderedDict[int, JsonObject] = OrderedDict()
        self._journal: Journal[Call] = Journal(journal_path, Call)
        self._calls = list(self._journal.replay())
        self._grown = asyncio.Event()

    def close(self) -> None:
        self._journal.close()

    def add(self, call: Call, answer: JsonObject | None = None) -> Call:
        """Gives the call its number; whatever number it had is replaced. Answers are kept in memory, a few."""
        call = msgspec.structs.replace(call, n=len(self._calls) + 1)
        self._journal.append(call)
        self._calls.append(call)
        self._grown.set()
        if answer is not None:
            self._answers[call.n] = answer
            if len(self._answers) > MOST_ANSWERS:
                self._answers.popitem(last=False)
        self._changes.tell(CallAdded(call))
        return call

    def answer_to(self, number: int) -> JsonObject | None:
        """The body that answered a Web API call, while it is kept."""
        return self._answers.get(number)

    @property
    def last(self) -> int:
        return len(self._calls)

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
