"""What people do while everything breaks around them: each scene goes on by itself once the system does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import aiohttp

from chaos.stage import Stage
from installation import ALICE
from opsloop_sandbox.client import ControlError
from opsloop_sandbox.contract import SeenMessage

LOOK_SECONDS = 0.1
CHANNELS = ("C0OPS", "C0RANDOM")
DEALERS = ("naples-honda", "coral-gables-toyota", "tampa-chevrolet")


class Visit:
    """One person in one channel, who sees only what came after they came, and tries again what was not taken."""

    def __init__(self, stage: Stage, number: int, since: float, user: str = ALICE) -> None:
        self.stage = stage
        self.target = f"t{number % 60:02d}"
        self.dealer = DEALERS[number % len(DEALERS)]
        self._user = user
        self._channel = CHANNELS[number % len(CHANNELS)]
        self._since = since

    @classmethod
    async def begin(cls, stage: Stage, number: int) -> "Visit":
        visit = cls(stage, number, 0)
        visit._since = max((float(one.ts) for one in await visit.messages()), default=0)
        return visit

    async def messages(self) -> list[SeenMessage]:
        seen = await self.stage.messages(self._user, self._channel)
        return [one for one in seen if float(one.ts) > self._since]

    async def forget(self) -> None:
        """What is there now is seen no more."""
        self._since = max((float(one.ts) for one in await self.messages()), default=self._since)

    async def say(self, words: str) -> None:
        while True:
            if (await self.stage.sandbox.command(self._user, self._channel, words)).status == 200:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def click(self, message: SeenMessage, action: str) -> None:
        while True:
            try:
                clicked = await self.stage.sandbox.click(self._user, self._channel, message.ts, action)
            except ControlError:
                # The button has gone: what it asked for has happened, or is not to be had any more.
                return
            if clicked.status == 200:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def see(self, *parts: str) -> SeenMessage:
        """The newest message with all parts; `✅|❓` means either."""
        while True:
            for message in reversed(await self.messages()):
                if all(any(one in message.text for one in part.split("|")) for part in parts):
                    return message
            await asyncio.sleep(LOOK_SECONDS)


async def fix(visit: Visit) -> None:
    """A status card, and a click on it."""
    await visit.stage.sandbox.change_site(visit.dealer, reset=True)
    await visit.say(f"status {visit.dealer}")
    card = await visit.see("Status of", visit.dealer)
    await visit.click(card, "task.run.schema_fix")
    await visit.see("schema_fix", visit.dealer, "✅|❌")


async def retry(visit: Visit) -> None:
    await visit.say(f"run failing {visit.target}")
    failed = await visit.see("failing", visit.target, "❌")
    await visit.click(failed, "task.retry")
    await visit.see("failing", visit.target, "✅")


async def once(visit: Visit) -> None:
    await visit.say(f"run effect_once {visit.target}")
    await visit.see("effect_once", visit.target, "✅|❓|❌")


async def keyed(visit: Visit) -> None:
    await visit.say(f"run keyed {visit.target}")
    await visit.see("keyed", visit.target, "✅|❌")


async def chain(visit: Visit) -> None:
    await visit.say(f"run first {visit.target}")
    await visit.see("first", visit.target, "✅")
    await visit.see("steady", visit.target, "✅")


async def private(visit: Visit) -> None:
    await visit.say("status nowhere")
    await visit.see("nowhere")


async def verified(visit: Visit) -> None:
    """Who cannot be told apart while the answer is lost is refused, and asks again."""
    while True:
        await visit.say(f"run locked {visit.target}")
        if "locked for" in (await visit.see("Nobody could tell now|✅")).text:
            return
        await visit.forget()


async def cancel(visit: Visit) -> None:
    await visit.say(f"run patient {visit.target}")
    running = await visit.see("patient", visit.target, "▶️")
    await visit.click(running, "task.cancel")
    await visit.see("patient", visit.target, "🚫")


SCENES: Mapping[str, Callable[[Visit], Awaitable[None]]] = {
    "private": private,
    "once": once,
    "keyed": keyed,
    "retry": retry,
    "fix": fix,
    "cancel": cancel,
    "chain": chain,
    "verified": verified,
}


async def play(scene: str, stage: Stage, number: int) -> None:
    """A scene from its beginning to its end, however long the end takes."""
    while True:
        try:
            visit = await Visit.begin(stage, number)
            break
        except aiohttp.ClientError:
            await asyncio.sleep(LOOK_SECONDS)
    await SCENES[scene](visit)
