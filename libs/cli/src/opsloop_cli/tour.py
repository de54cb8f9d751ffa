"""The scripted tour: what Alice does in #ops, stage by stage, and what she must see."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import msgspec

from opsloop_cli.expect import report
from opsloop_cli.expect.expectation import (
    Expectation,
    Look,
    acknowledged,
    alone,
    moved,
    one,
    problems,
    replied,
)
from opsloop_cli.expect.report import StageReport
from opsloop_cli.expect.scene import Scene, Watch
from opsloop_sandbox.client import ControlError, SandboxClient
from opsloop_sandbox.contract import Delivery

USER = "U0ALICE"
CHANNEL = "C0OPS"
LOOK_AGAIN_SECONDS = 0.05
SLOW_SITE_SECONDS = 1.1
"""How long the first dealer's site takes per request, so that the bar can be watched."""

Act = Callable[["Alice"], Awaitable[Delivery]]


class Missing(Exception):
    """There is nothing to click."""


class Stage(msgspec.Struct, frozen=True):
    """What is done, and what must be seen within so many seconds."""

    name: str
    act: Act
    seconds: float
    expectations: tuple[Expectation, ...]


class Alice:
    """What the tour's user can do."""

    def __init__(self, sandbox: SandboxClient) -> None:
        self.sandbox = sandbox
        self.watch = Watch(sandbox, USER, CHANNEL)

    async def types(self, text: str) -> Delivery:
        return await self.sandbox.command(USER, CHANNEL, text)

    async def clicks(self, action: str, look: Look) -> Delivery:
        """Clicks a button of the newest such message, whenever that appeared. Raises Missing."""
        scene = await self.watch.look(None)
        for seen in reversed(scene.now):
            if action in seen.actions and look.fits(seen):
                return await self.sandbox.click(USER, CHANNEL, seen.ts, action)
        raise Missing(f"a message with {' and '.join(map(repr, look.words))} and the button {action} to click")


async def play(sandbox: SandboxClient, stages: tuple[Stage, ...]) -> AsyncIterator[StageReport]:
    """Plays the stages in order and reports each, whatever the ones before it came to."""
    alice = Alice(sandbox)
    for stage in stages:
        yield await _play(alice, stage)


async def _play(alice: Alice, stage: Stage) -> StageReport:
    started_at = time.monotonic()
    alice.watch.begin()
    scene = Scene()
    try:
        delivery = await stage.act(alice)
        scene = await _until_right(alice.watch, stage, delivery)
        wrong = problems(stage.expectations, scene)
    except Missing as error:
        wrong = [f"expected {error}; seen: no such message"]
    except (aiohttp.ClientError, ControlError, TimeoutError) as error:
        wrong = [f"expected the sandbox to answer; seen: {type(error).__name__} {error}"]
    return StageReport(
        name=stage.name,
        ok=not wrong,
        seconds=round(time.monotonic() - started_at, 2),
        messages=[report.sighting(sighting) for sighting in scene.sightings],
        problems=wrong,
    )


async def _until_right(watch: Watch, stage: Stage, delivery: Delivery) -> Scene:
    """The first scene in which everything holds, or the last before the deadline."""
    deadline = time.monotonic() + stage.seconds
    while True:
        scene = await watch.look(delivery)
        if not problems(stage.expectations, scene) or time.monotonic() >= deadline:
            return scene
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


# --- what Alice does ------------------------------------------------------------------------------------------------

_CARD = Look(words=("Naples Honda", "Run Schema Fix"), buttons=("task.run.schema_fix",))
_MEASURED = Look(words=(*_CARD.words, "ARR Gain (1h)", "$", "GNN Precision", "0.79"), buttons=_CARD.buttons)
_RISEN = Look(
    words=(*_CARD.words, "ARR Gain (1h)", "$", "GNN Precision"), without=("0.79", "no data"), buttons=_CARD.buttons
)
_NAPLES = ("schema_fix", "naples-honda", "%")
_ORLANDO = ("schema_fix", "orlando-ford", "%")
_NAPLES_DONE = Look(words=(*_NAPLES, "✅", "100%"), buttons=("task.logs",))
_ORLANDO_FAILED = Look(words=(*_ORLANDO, "❌", "timeout", "step 1"), buttons=("task.retry", "task.logs"))
_ORLANDO_DONE = Look(words=(*_ORLANDO, "attempt 2", "✅", "100%"), without=("❌",), buttons=("task.logs",))
_STEPS = ("Schema detected", "Validation started", "Processing")
_PERCENTS = tuple(f" {percent}%" for percent in (0, 20, 40, 60, 80, 100))


async def _help(alice: Alice) -> Delivery:
    return await alice.types("help")


async def _status(alice: Alice) -> Delivery:
    return await alice.types("status naples-honda")


async def _misspelt(alice: Alice) -> Delivery:
    return await alice.types("status naples-hnda")


async def _run_from_card(alice: Alice) -> Delivery:
    await alice.sandbox.change_site("naples-honda", mode="slow", seconds=SLOW_SITE_SECONDS)
    return await alice.clicks("task.run.schema_fix", _CARD)


async def _run_failing(alice: Alice) -> Delivery:
    return await alice.types("run schema_fix orlando-ford")


async def _retry(alice: Alice) -> Delivery:
    await alice.sandbox.change_site("orlando-ford", mode="ok")
    return await alice.clicks("task.retry", _ORLANDO_FAILED)


async def _view_logs(alice: Alice) -> Delivery:
    return await alice.clicks("task.logs", _ORLANDO_DONE)


STAGES = (
    Stage(
        "help",
        _help,
        4,
        (
            acknowledged(),
            one(
                "help for Alice alone, naming the command, the task and the dealers",
                Look(words=("/dealershipai", "status", "schema_fix", "naples-honda"), is_private=True),
            ),
        ),
    ),
    Stage(
        "status of a dealer",
        _status,
        4,
        (acknowledged(), one("the card of Naples Honda with its numbers and the button Run Schema Fix", _MEASURED)),
    ),
    Stage(
        "a misspelt dealer",
        _misspelt,
        4,
        (
            acknowledged(),
            one(
                "for Alice alone, the name she typed and the nearest one",
                Look(words=("naples-hnda", "naples-honda"), is_private=True),
            ),
        ),
    ),
    Stage(
        "Run Schema Fix, from the card to the end",
        _run_from_card,
        12,
        (
            acknowledged(),
            one("the task's message to end as ✅ at 100% with View Logs", _NAPLES_DONE),
            moved("the bar to move (three values at least)", _NAPLES_DONE, _PERCENTS, 3),
            replied(
                "every step, the end and its numbers in the thread", _NAPLES_DONE, *_STEPS, "✅", "ARR Gain (1h): $"
            ),
            one("the card to show the run as completed", Look(words=("Naples Honda", "✅"), buttons=_CARD.buttons)),
            alone("one message for the task", _NAPLES),
        ),
    ),
    Stage(
        "a run that fails",
        _run_failing,
        10,
        (
            acknowledged(),
            one("❌, the class of the failure and its step, with Retry Task and View Logs", _ORLANDO_FAILED),
            replied("the failure and the end of the log in the thread", _ORLANDO_FAILED, "❌", "```"),
            alone("one message for the task", _ORLANDO),
        ),
    ),
    Stage(
        "Retry, with the site answering again",
        _retry,
        8,
        (
            acknowledged(),
            one("the same message to end as ✅ at 100%, attempt 2", _ORLANDO_DONE),
            replied("the earlier failure and the success in the thread", _ORLANDO_DONE, "❌", "✅"),
            alone("one message for the task", _ORLANDO),
        ),
    ),
    Stage(
        "View Logs",
        _view_logs,
        4,
        (
            acknowledged(),
            one("the last log lines for Alice alone", Look(words=("orlando-ford", "```"), is_private=True)),
        ),
    ),
    Stage(
        "what the fix did to the numbers",
        _status,
        8,
        (acknowledged(), one("a new card of Naples Honda, with a higher precision", _RISEN)),
    ),
)
