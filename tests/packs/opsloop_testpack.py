"""A task pack for tests: tasks that behave in every way a task can."""

import asyncio
import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

from opsloop_common.task import Result, Run, TaskFailed


def note(marker: Path, line: str) -> None:
    """An effect that can be counted."""
    with marker.open("a") as file:
        file.write(f"{line}\n")


async def steady(run: Run) -> Result:
    """Four steps; says what it did."""

    async def work() -> dict[str, str]:
        run.log(f"working on {run.target.name}")
        await asyncio.sleep(float(run.target.settings.get("pause_seconds", "0")))
        return {"seen": "yes"}

    for number, name in enumerate(("One", "Two", "Three", "Four"), 1):
        await run.step(name, number * 25, work)
    return Result(summary="4 steps done", lines=("a", "b"))


async def failing(run: Run) -> Result:
    """Fails at its first step, as foreseen; the second attempt succeeds."""

    async def fail() -> str:
        run.log("about to fail with password=hunter2-secret-value")
        if run.attempt == 1:
            raise TaskFailed("site_timeout", "The site timed out at {step}. Check it, then retry.")
        return "fine"

    await run.step("Reaching", 30, fail)
    return Result(summary="reached")


async def buggy(run: Run) -> Result:
    """Raises what nobody foresaw."""
    raise ZeroDivisionError("oops")


async def blocking(run: Run) -> Result:
    """Blocks its process for ever."""
    run.progress(10)
    while True:
        time.sleep(0.1)  # noqa: ASYNC251 # blocking the loop is what it is for


async def dying(run: Run) -> Result:
    """Its process dies in the second step, the first time."""
    marker = Path(run.target.settings["marker"])

    async def first() -> int:
        note(marker, "first")
        return 7

    async def second() -> int:
        note(marker, "second")
        if run.fence == 1:
            os._exit(9)
        return 8

    kept = await run.step("First", 40, first)
    await run.step("Second", 80, second)
    return Result(summary=f"kept {kept}")


async def reporting(run: Run) -> Result:
    """Reports 10, 45, 70, 100 without steps between."""
    for percent in (10, 45, 70, 100):
        run.progress(percent)
        await asyncio.sleep(0.7)
    return Result(summary="reported")


async def patient(run: Run) -> Result:
    """Waits for ever; cleans up when it is told to end."""
    marker = Path(run.target.settings["marker"])

    async def wait() -> None:
        note(marker, "waiting")
        run.progress(30)
        try:
            await asyncio.Event().wait()
        finally:
            note(marker, "cleaned up")

    await run.step("Ready", 10, _nothing)
    await run.step("Waiting", 90, wait)
    return Result(summary="waited")


async def stubborn(run: Run) -> Result:
    """Hears that it is cancelled, and goes on."""
    while True:
        try:
            run.progress(20)
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            run.log("not now")


async def asking(run: Run) -> Result:
    """Says what it was told of parameters, settings, numbers and an earlier run."""
    measure = await run.measure("gain")
    series = await run.series("gain", seconds=600, step_seconds=60)
    earlier = await run.earlier("steady", "Two", dict[str, str])
    unknown = await run.measure("nothing")
    return Result(
        summary=f"{run.params['days']} {run.settings['weight']} {measure.value:g} {len(series.points)}",
        highlights=(f"{earlier}", unknown.state),
        figures={"score": measure.value, "Bad Name": 1.0, "endless": float("inf")},
    )


async def _effect(run: Run, header: str) -> Result:
    """One step with one effect that is counted, for as long as the task type's `work_ms`."""

    async def take() -> int:
        headers = {header: run.idempotency_key("Effect"), "X-Fence": str(run.fence)}
        query = {"work_ms": str(run.settings.get("work_ms", 0))}
        async with (
            aiohttp.ClientSession() as session,
            session.post(run.target.settings["effects_url"], params=query, headers=headers) as response,
        ):
            run.log(f"effect: {response.status}")
            if response.status != 200:
                raise TaskFailed("effect_refused", "The effect was refused at {step}.")
            return response.status

    await run.step("Effect", 90, take)
    return Result(summary="took effect")


async def keyed(run: Run) -> Result:
    """Its outside system knows a repetition by its key."""
    return await _effect(run, "Idempotency-Key")


async def plain(run: Run) -> Result:
    """Its outside system takes every request for a new one."""
    return await _effect(run, "X-Step")


async def parental(run: Run) -> Result:
    """Starts a child that leaves a sign of life again and again, and blocks with it for ever."""
    marker = Path(run.target.settings["marker"])
    beat = (
        f"import time\nwhile True:\n    open({str(marker)!r}, 'a').write('child {run.fence}\\n')\n    time.sleep(0.05)"
    )
    subprocess.Popen([sys.executable, "-c", beat])  # noqa: ASYNC220 # it is to outlive the handler, if it can
    await run.step("Started", 10, _nothing)
    # The interpreter lock is held: nothing in this process runs any more.
    ctypes.PyDLL(None).sleep(600)
    return Result(summary="woke up")


async def _nothing() -> None:
    pass


async def flaky(run: Run) -> Result:
    """Fails with the code of its task type's settings until the attempt they name."""
    note(Path(run.target.settings["marker"]), f"{run.task_id} {run.attempt}")
    if run.attempt < run.settings["works_at"]:
        raise TaskFailed(run.settings["code"], "The site was away at {step}.")
    return Result(summary=f"worked at attempt {run.attempt}")


async def mute(run: Run) -> Result:
    """Works without a sign of life for as long as the task type's `silent_seconds`, then says something and ends."""
    run.progress(10)
    await asyncio.sleep(run.settings["silent_seconds"])
    run.log("here I am")
    await asyncio.sleep(0.2)
    return Result(summary="was mute")


async def mortal(run: Run) -> Result:
    """Takes its effect and comes to a bad end, the first time; `before` in the settings: it does so first."""
    is_first, comes_before = run.fence == 1, bool(run.settings.get("before"))
    if is_first and comes_before:
        await _perish(run)
    note(Path(run.target.settings["marker"]), f"effect {run.task_id}")
    if is_first and not comes_before:
        await _perish(run)
    return Result(summary="did it")


async def _perish(run: Run) -> None:
    match run.settings.get("how"):
        case "hangs":
            await asyncio.sleep(60)
        case "breaks":
            raise ZeroDivisionError("oops")
        case _:
            os._exit(9)


async def mortal_probe(run: Run) -> bool | None:
    """Looks for the effect of `mortal`; dies at it, is mute, or raises, where the settings say so."""
    marker = Path(run.target.settings["marker"])
    note(marker, f"probe {run.fence}")
    match run.settings.get("probe"):
        case "dies" if run.fence == 2:
            os._exit(9)
        case "is_mute":
            await asyncio.sleep(60)
        case "raises":
            raise ZeroDivisionError("oops")
        case "cannot_tell":
            return None
    return _has(marker, f"effect {run.task_id}")


def _has(marker: Path, line: str) -> bool:
    return line in marker.read_text()


async def effect_probe(run: Run) -> bool | None:
    """Asks the outside system whether it took the effect."""
    url = run.target.settings["effects_url"].split("/effects/")[0] + "/control/effects"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return any(seen["effect"] and seen["task"] == run.task_id for seen in await response.json())
