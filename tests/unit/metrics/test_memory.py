"""Answers remembered for a moment."""

import asyncio

import pytest

from opsloop_metrics.memory import Memory


class Source:
    """Counts what it is asked; answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()

    async def ask(self) -> int:
        self.asked += 1
        await self.go.wait()
        return self.asked


async def test_those_who_ask_side_by_side_get_one_answer() -> None:
    """A hundred questions for the same are one query; one who gives up takes nothing from the others."""
    memory: Memory[int] = Memory(lambda _: 5)
    source = Source()
    waiting = [asyncio.create_task(memory.get(("a",), source.ask)) for _ in range(100)]
    other = asyncio.create_task(memory.get(("b",), source.ask))
    await asyncio.sleep(0)
    waiting[0].cancel()
    source.go.set()
    answers = await asyncio.gather(*waiting[1:])
    assert (len(set(answers)), source.asked) == (1, 2)
    assert await other == 2


async def test_an_answer_is_kept_as_long_as_it_says() -> None:
    """Within its time it is not asked for again; after it, it is."""
    now = 0.0
    memory: Memory[int] = Memory(float, clock=lambda: now)
    source = Source()
    source.go.set()
    assert [await memory.get(("a",), source.ask), await memory.get(("a",), source.ask)] == [1, 1]
    now = 1.0
    assert await memory.get(("a",), source.ask) == 2
    now = 2.9
    assert await memory.get(("a",), source.ask) == 2


async def test_a_failure_reaches_everybody_and_is_not_kept() -> None:
    """The next question asks again."""

    async def fail() -> int:
        raise OSError("gone")

    memory: Memory[int] = Memory(lambda _: 5)
    found = await asyncio.gather(*(memory.get(("a",), fail) for _ in range(2)), return_exceptions=True)
    assert [str(error) for error in found] == ["gone", "gone"]
    source = Source()
    source.go.set()
    assert await memory.get(("a",), source.ask) == 1


async def test_it_holds_only_so_many() -> None:
    """The oldest answer is forgotten first."""
    memory: Memory[int] = Memory(lambda _: 5, most_keys=2)
    source = Source()
    source.go.set()
    for key in ("a", "b", "c", "c", "b", "a"):
        await memory.get((key,), source.ask)
    assert source.asked == 4


async def test_closing_gives_up_what_is_asked_for() -> None:
    """Nobody is left waiting, and no task is."""
    memory: Memory[int] = Memory(lambda _: 5)
    waiting = asyncio.create_task(memory.get(("a",), Source().ask))
    await asyncio.sleep(0)
    await memory.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
