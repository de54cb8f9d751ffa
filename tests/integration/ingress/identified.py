"""The identity service in this process, with the sandbox's Slack and Clerk, asked over a real broker."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from integration.sandbox import running
from opsloop_common.bus import Bus
from opsloop_common.people import Identity, IdentityQuery, Person
from opsloop_common.service import Unanswered, request
from opsloop_common.settings import Environment
from opsloop_common.subjects import Subjects
from opsloop_ingress import settings
from opsloop_ingress.counters import Counters
from opsloop_ingress.identity import answering
from opsloop_sandbox.client import SandboxClient

TEAM = "T0OPSLOOP"
ALICE, BOB, CAROL = Person(TEAM, "U0ALICE"), Person(TEAM, "U0BOB"), Person(TEAM, "U0CAROL")
DEADLINE_SECONDS = 5.0
CATALOGUE = '[tasks.a]\ntitle = "A"\n[targets.b]\ntitle = "B"\n'


class Clock:
    """Stands still until it is told to go on."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Identities(msgspec.Struct, frozen=True):
    bus: Bus
    counters: Counters
    clock: Clock

    async def ask(self, person: Person, *, fresh: bool = False) -> Identity:
        question = IdentityQuery(person, fresh)
        return await request(self.bus, Subjects().identity, question, Identity, DEADLINE_SECONDS)


def environment(sandbox: SandboxClient, folder: Path, *, verified: str = "[]") -> dict[str, str]:
    """What ingress needs to ask the sandbox; `verified` is the catalogue's list."""
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(f"{CATALOGUE}[access]\nverified = {verified}\n")
    return {
        "OPSLOOP_CONFIG": str(catalogue),
        "OPSLOOP_SECRET": "0123456789abcdef",
        "SLACK_SIGNING_SECRET": running.SECRET,
        "SLACK_BOT_TOKEN": running.TOKEN,
        "SLACK_API_URL": sandbox.api_url,
        "CLERK_SECRET_KEY": running.CLERK_KEY,
        "CLERK_API_URL": sandbox.clerk_url,
    }


@contextlib.asynccontextmanager
async def identities(bus: Bus, variables: dict[str, str]) -> AsyncIterator[Identities]:
    """Answers questions while inside."""
    counters, clock = Counters(), Clock()
    answers = asyncio.create_task(answering.run(bus, settings.read(Environment(variables)), counters, clock=clock))
    try:
        await until_it_answers(bus)
        yield Identities(bus, counters, clock)
    finally:
        answers.cancel()
        await asyncio.gather(answers, return_exceptions=True)


async def until_it_answers(bus: Bus) -> None:
    """Asked with nothing, it answers that this is no question."""
    async with asyncio.timeout(10):
        while True:
            try:
                await request(bus, Subjects().identity, msgspec.Raw(b"{}"), Identity, 2)
            except Unanswered as error:
                if error.code == "400":
                    return
            await asyncio.sleep(0.02)
