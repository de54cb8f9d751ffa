"""Two orchestrators, one line of tasks at one target, and one of the two killed again and again.

`just storm` runs the long one.
"""

import asyncio
import contextlib
import itertools
import os
import random
from collections import Counter
from pathlib import Path

import checker
from broker import NatsServer
from checker import History, Recorded
from integration.orchestrator.loop import eventually
from integration.orchestrator.replicas import Replicas, replicas_at
from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.events import TaskState
from opsloop_common.subjects import event_in, id_in
from opsloop_sandbox.contract import EffectSeen

TASKS = int(os.environ.get("STORM_TASKS", "30"))
WORK_MS = int(os.environ.get("STORM_WORK_MS", "200"))
SEED = int(os.environ.get("STORM_SEED", "7"))
KINDS = ("plain", "keyed", "effect_once")
ROOM = 90
"""A line has a hundred places; this is how many are used."""
PATIENCE_SECONDS = 30 + TASKS


async def test_a_line_keeps_its_order_and_no_two_effects_overlap_whoever_dies(
    tmp_path: Path, nats_server: NatsServer, bus: Bus
) -> None:
    """Every task ends, in the order they came; effects never overlap, and those with a key happen once at most."""
    async with replicas_at(tmp_path, nats_server, bus) as replicas:
        for name in ("first", "second"):
            await replicas.start(name, work_ms=WORK_MS)
        killed: list[str] = []
        killing = asyncio.create_task(kill_again_and_again(replicas, killed))
        ids = await submit(replicas)
        states = await all_ended(replicas, ids)
        killing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await killing
        seen = sorted(await replicas.sandbox.effects(), key=lambda one: one.began_at)
        history = await events_of(replicas)
    assert killed
    assert {state.status for state in states} <= {"succeeded", "unknown"}, [state.failure for state in states]
    assert all(state.status == "succeeded" or state.task == "effect_once" for state in states)
    assert overlaps(seen) == []
    assert first_of_each(seen) == [id for id in ids if id in {one.task for one in seen}]
    assert [key for key, count in effects_by_key(seen, states).items() if count > 1] == []
    assert list(checker.chains(history)) == []


async def submit(replicas: Replicas) -> list[str]:
    """Asks for one task after the other, as there is room in the line; each is in line before the next is asked."""
    ids: list[str] = []
    for number in range(1, TASKS + 1):
        if number > ROOM:
            await replicas.loop.ended(ids[-ROOM], PATIENCE_SECONDS)
        kind = KINDS[number % len(KINDS)]
        ids.append(await replicas.loop.run(kind, params={"number": str(number)}))
        await replicas.loop.status(ids[-1], "queued", "running", "succeeded", "unknown", seconds=PATIENCE_SECONDS)
    return ids


async def all_ended(replicas: Replicas, ids: list[str]) -> list[TaskState]:
    return [(await replicas.loop.ended(id, PATIENCE_SECONDS))[0] for id in ids]


async def kill_again_and_again(replicas: Replicas, killed: list[str]) -> None:
    """One of the two is always there; which one dies when is drawn from the seed."""
    draw = random.Random(SEED)  # noqa: S311 # to be repeated, not to be secret
    while True:
        await asyncio.sleep(draw.uniform(0.5, 2.5))
        name = draw.choice(("first", "second"))
        await replicas.end(name)
        killed.append(name)
        await replicas.start(name, work_ms=WORK_MS)
        await eventually(lambda: living_owners(replicas), 30)


async def living_owners(replicas: Replicas) -> bool | None:
    """Whether both live: the one that was killed is forgotten, its successor has a lease."""
    found = await replicas.loop.bus.newest_of_each("KV_LEASES", "$KV.LEASES.*")
    return len([one for one in found if one.data]) == 2 or None


def overlaps(seen: list[EffectSeen]) -> list[tuple[EffectSeen, EffectSeen]]:
    """Pairs of neighbours in time of which the second began before the first had ended."""
    return [(one, other) for one, other in itertools.pairwise(seen) if other.began_at < one.ended_at]


def first_of_each(seen: list[EffectSeen]) -> list[str]:
    """The tasks in the order of their first attempt at an effect."""
    return list(dict.fromkeys(one.task for one in seen))


def effects_by_key(seen: list[EffectSeen], states: list[TaskState]) -> Counter[str]:
    """How often each key took effect, of the kinds that promise once at most."""
    once = {state.id for state in states if state.task in ("keyed", "effect_once")}
    return Counter(one.key for one in seen if one.effect and one.task in once)


async def events_of(replicas: Replicas) -> History:
    loop = replicas.loop
    stored = await loop.bus.read(loop.subjects.stream("EVT"), loop.subjects.all_events, at_most=100_000)
    events = [
        Recorded(one.sequence, event_in(one.subject), id_in(one.subject), codec.decode_event(one.data).data)
        for one in stored
    ]
    return History(team="", bot="", calls=[], events=events, ledger=[], messages={}, puts=[])
