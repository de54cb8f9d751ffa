"""What a task costs, from the command in Slack to its end in the channel: tasks a second, and CPU time by process.

`just bench-tasks` runs it. Rounds of tasks and rounds of bare publishes to the same broker (as many as the tasks
append events) follow each other, so that noise hits both alike; CPU time for each task is the figure least shaken by
noise. The local Slack sets no limits here: with them, a channel takes one message a second.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from broker import NatsServer
from chaos.scenes import CHANNELS
from chaos.stage import SLOW, Stage
from installation import ALICE
from opsloop_common.bus import Bus

ROUNDS = 8
TASKS = SLOW
"""All targets but the slow one."""
AT_ONCE = 8
WITHIN_SECONDS = 120
LOOK_SECONDS = 0.2
TICKS = os.sysconf("SC_CLK_TCK")


class Round(msgspec.Struct, frozen=True):
    """One round: tasks and bare publishes a second, and CPU milliseconds by process for each task."""

    tasks_per_second: float
    events_per_task: float
    publishes_per_second: float
    cpu_ms: dict[str, float]


class Busy(Stage):
    """As many runners as an orchestrator has by default."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"ORCHESTRATOR_SLOTS": "4"}


async def measure(folder: Path) -> list[Round]:
    nats = NatsServer(folder)
    nats.start()
    try:
        async with Busy(folder, nats) as stage:
            bus = await Bus.connect(nats.url, "bench")
            await _run(stage)  # pays for what is loaded late
            rounds = [await _round(stage, bus, nats) for _ in range(ROUNDS)]
            await bus.close()
            return rounds
    finally:
        nats.kill()


async def _round(stage: Stage, bus: Bus, nats: NatsServer) -> Round:
    pids = {"nats": nats.pid, **stage.pids}
    before, began_at, events = _cpu(pids), time.perf_counter(), await _events(bus)
    await _run(stage)
    took_seconds = time.perf_counter() - began_at
    spent = _cpu(pids)
    spent.subtract(before)
    appended = await _events(bus) - events
    return Round(
        tasks_per_second=TASKS / took_seconds,
        events_per_task=appended / TASKS,
        publishes_per_second=await _publish(bus, appended),
        cpu_ms={name: ticks * 1000 / TICKS / TASKS for name, ticks in spent.items()},
    )


async def _run(stage: Stage) -> None:
    """A task on each target, a few people asking at once; returns when all are seen ended."""
    ended = await _succeeded(stage) + TASKS
    numbers = iter(range(TASKS))

    async def ask() -> None:
        for number in numbers:
            words, channel = f"run steady t{number:02d}", CHANNELS[number % len(CHANNELS)]
            await stage.sandbox.command(ALICE, channel, words)

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    async with asyncio.timeout(WITHIN_SECONDS):
        while await _succeeded(stage) < ended:  # noqa: ASYNC110 # Slack sets no asyncio.Event
            await asyncio.sleep(LOOK_SECONDS)


async def _succeeded(stage: Stage) -> int:
    """As people see it."""
    seen = [await stage.messages(channel=channel) for channel in CHANNELS]
    return sum("✅" in one.text for messages in seen for one in messages)


async def _events(bus: Bus) -> int:
    last = await bus.last("EVT", "ops.evt.>")
    return last.sequence if last else 0


async def _publish(bus: Bus, count: int) -> float:
    """Bare publishes a second of one client that waits for each acknowledgement, eight at a time."""
    numbers, began_at = iter(range(count)), time.perf_counter()

    async def publish() -> None:
        for _ in numbers:
            await bus.publish("ops.log.bench", b"x" * 1000)

    await asyncio.gather(*(publish() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - began_at)


def _cpu(pids: dict[str, int]) -> Counter[str]:
    """Clock ticks that each process and those below it have used."""
    return Counter({name: sum(_ticks(pid) for pid in (pid, *_below(pid))) for name, pid in pids.items()})


def _ticks(pid: int) -> int:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)


def _below(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [one for child in children for one in _below(child)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rounds = asyncio.run(measure(Path(folder)))

    def median(values: list[float]) -> float:
        return statistics.median(values)

    print(f"{ROUNDS} rounds of {TASKS} tasks, medians")
    print(f"tasks a second        {median([one.tasks_per_second for one in rounds]):8.1f}")
    print(f"events a task         {median([one.events_per_task for one in rounds]):8.1f}")
    print(f"bare publishes a second {median([one.publishes_per_second for one in rounds]):6.0f}")
    ratio = median([one.tasks_per_second * one.events_per_task / one.publishes_per_second for one in rounds])
    print(f"events to publishes   {ratio:8.2f}")
    for name in rounds[0].cpu_ms:
        print(f"CPU ms a task  {name:14} {median([one.cpu_ms[name] for one in rounds]):6.1f}")


if __name__ == "__main__":
    main()
