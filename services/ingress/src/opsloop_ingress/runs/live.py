"""Following a run: server-sent events with the state as HTML and new log lines, until the run has ended.

What passes by on the bus only says when to look; what is sent is read from the streams, so nothing is missed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from opsloop_common import codec
from opsloop_common.bus import Bus, BusError
from opsloop_common.subjects import Subjects
from opsloop_ingress.runs.reading import RunReader
from opsloop_ingress.runs.run import Event

LOOK_ANYWAY_SECONDS = 5.0
AT_MOST_EVERY_SECONDS = 0.3
LONGEST_SECONDS = 1800.0
"""After that the browser connects again."""
LINES_AT_ONCE = 500

Draw = Callable[[list[Event]], Awaitable[str]]
"""The state of a run as HTML."""


async def follow(
    bus: Bus, subjects: Subjects, reader: RunReader, id: str, after: int, draw: Draw
) -> AsyncIterator[bytes]:
    """Chunks of an event stream; `after` is the sequence of the last log line that is known already."""
    changed = asyncio.Event()
    watching = [
        asyncio.create_task(_nudge(bus, subject, changed)) for subject in (subjects.events_of(id), subjects.log(id))
    ]
    try:
        drawn = ""
        async with asyncio.timeout(LONGEST_SECONDS):
            while True:
                changed.clear()
                try:
                    events = await reader.events(id)
                    lines = await reader.lines(id, after)
                except BusError:
                    # The broker is away: what it has is sent when it is back.
                    await asyncio.sleep(AT_MOST_EVERY_SECONDS)
                    continue
                if lines:
                    for start in range(0, len(lines), LINES_AT_ONCE):
                        yield message("log", codec.encode(lines[start : start + LINES_AT_ONCE]))
                    after = lines[-1].sequence
                if events and (html := await draw(events)) != drawn:
                    drawn = html
                    yield message("state", codec.encode(html))
                if not events or not events[-1].state.is_open:
                    yield message("end", b"{}")
                    return
                await asyncio.sleep(AT_MOST_EVERY_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), LOOK_ANYWAY_SECONDS)
                yield b": still here\n\n"
    except TimeoutError:
        return
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


def message(event: str, data: bytes) -> bytes:
    """One server-sent event; `data` is JSON, so it holds no line break."""
    return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"


async def _nudge(bus: Bus, subject: str, changed: asyncio.Event) -> None:
    async for _ in bus.watch(subject):
        changed.set()
