"""Plays a scripted tour: what people do in #ops, stage by stage, and what they must see."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import msgspec

from opsloop_cli.expect import report
from opsloop_cli.expect.expectation import (
    Expectation,
    Look,
    problems,
)
from opsloop_cli.expect.report import StageReport
from opsloop_cli.expect.scene import Scene, Watch
from opsloop_sandbox.client import ControlError, SandboxClient
from opsloop_sandbox.contract import Delivery, SeenMessage
from opsloop_sandbox.json_value import JsonObject, as_objects

USER = "U0ALICE"
CHANNEL = "C0OPS"
LOOK_AGAIN_SECONDS = 0.05
SOON_SECONDS = 5.0

Act = Callable[["Visitor"], Awaitable[Delivery]]


class Missing(Exception):
    """There is nothing to click."""


class Stage(msgspec.Struct, frozen=True):
    """What is done by whom, and what that person must see within so many seconds."""

    name: str
    act: Act
    seconds: float
    expectations: tuple[Expectation, ...]
    user: str = USER


class Visitor:
    """What the tour's people can do."""

    def __init__(self, sandbox: SandboxClient, user: str) -> None:
        self.sandbox = sandbox
        self.user = user
        self.watch = Watch(sandbox, user, CHANNEL)

    async def types(self, text: str) -> Delivery:
        return await self.sandbox.command(self.user, CHANNEL, text)

    async def clicks(self, action: str, look: Look) -> Delivery:
        """Clicks a button of the newest such message, whenever that appeared. Raises Missing."""
        scene = await self.watch.look(None)
        for seen in reversed(scene.now):
            if action in seen.actions and look.fits(seen):
                return await self.sandbox.click(self.user, CHANNEL, seen.ts, action)
        raise Missing(f"a message with {' and '.join(map(repr, look.words))} and the button {action} to click")

    async def clicks_soon(self, action: str, look: Look) -> Delivery:
        """The same for a message that is still on its way. Raises Missing."""
        deadline = time.monotonic() + SOON_SECONDS
        while True:
            try:
                return await self.clicks(action, look)
            except Missing:
                if time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def follows(self, action: str, look: Look, *words: str) -> Delivery:
        """Follows a link button to a page that must say all the words. Raises Missing."""
        delivery = await self.clicks(action, look)
        links = [
            str(element["url"])
            for message in await self.sandbox.messages(self.user, CHANNEL)
            for element in _buttons(message)
            if element.get("action_id") == action and "url" in element and all(word in str(message) for word in words)
        ]
        if not links:
            raise Missing(f"a link {action} to follow")
        async with aiohttp.ClientSession(trust_env=False) as session, session.get(links[-1]) as response:
            page = await response.text()
        if response.status != 200 or not all(word in page for word in words):
            raise Missing(f"a page with {' and '.join(map(repr, words))} behind {action}")
        return delivery

    async def fills_in(self, values: dict[str, str]) -> Delivery:
        """Fills in and submits the form that is open. Raises Missing."""
        form = (await self.sandbox.views(self.user)).modal
        if form is None:
            raise Missing("a form to fill in")
        filled: dict[str, dict[str, str | list[str] | None]] = {name: {"value": text} for name, text in values.items()}
        submission = await self.sandbox.submit(self.user, str(form["id"]), filled)
        if submission.delivery is None or submission.errors:
            raise Missing(f"a form that takes {values}; it said {submission.errors}")
        return submission.delivery

    async def opens_home(self, *words: str) -> Delivery:
        """Opens the app's page, which must show the words soon. Raises Missing."""
        delivery = await self.sandbox.event("app_home_opened", user=self.user, event={"tab": "home"})
        deadline = time.monotonic() + SOON_SECONDS
        while time.monotonic() < deadline:
            home = str((await self.sandbox.views(self.user)).home)
            if all(word in home for word in words):
                return delivery
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        raise Missing(f"the app's page with {' and '.join(map(repr, words))}")


def _buttons(message: SeenMessage) -> list[JsonObject]:
    return [element for block in message.blocks for element in as_objects(block.get("elements"))]


async def play(sandbox: SandboxClient, stages: tuple[Stage, ...]) -> AsyncIterator[StageReport]:
    """Plays the stages in order and reports each, whatever the ones before it came to."""
    visitors = {user: Visitor(sandbox, user) for user in {stage.user for stage in stages}}
    for stage in stages:
        yield await _play(visitors[stage.user], stage)


async def _play(visitor: Visitor, stage: Stage) -> StageReport:
    started_at = time.monotonic()
    visitor.watch.begin()
    scene = Scene()
    try:
        delivery = await stage.act(visitor)
        scene = await _until_right(visitor.watch, stage, delivery)
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
