"""The outside system whose effects are counted, over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from integration.sandbox.running import sandbox_at
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import EffectSeen

KEY = "07-aaaaaaaaaaaaaaaaaaaa:1:Effect"


@pytest.fixture
async def web(sandbox: SandboxClient) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sandbox.base_url, timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


async def post(web: aiohttp.ClientSession, work_ms: int = 0, /, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with web.post("/effects/naples", params={"work_ms": str(work_ms)}, headers=named) as response:
        return response.status


async def test_an_effect_has_a_beginning_an_end_a_key_and_a_fence(
    web: aiohttp.ClientSession, sandbox: SandboxClient
) -> None:
    """What was asked is told in full, and under its name alone."""
    assert await post(web, 50, Idempotency_Key=KEY, X_Fence="2") == 200
    (seen,) = await sandbox.effects("naples")
    assert (seen.task, seen.key, seen.fence, seen.status, seen.effect) == (KEY[:23], KEY, 2, 200, True)
    assert seen.ended_at - seen.began_at >= 0.05
    assert await sandbox.effects("tampa") == []


@pytest.mark.parametrize(("header", "effects"), [("Idempotency_Key", [True, False]), ("X_Step", [True, True])])
async def test_a_repetition_is_known_by_its_idempotency_key(
    web: aiohttp.ClientSession, sandbox: SandboxClient, header: str, effects: list[bool]
) -> None:
    """As a mere name the same key takes effect again."""
    for _ in range(2):
        assert await post(web, **{header: KEY}) == 200
    assert [one.effect for one in await sandbox.effects()] == effects


async def test_a_lower_fence_is_refused_before_and_after_the_work(
    web: aiohttp.ClientSession, sandbox: SandboxClient
) -> None:
    """Whoever was at work when a higher fence came takes no effect; another task's fences are its own."""
    assert await post(web, X_Step=KEY, X_Fence="1") == 200
    slow = asyncio.create_task(post(web, 400, X_Step=KEY, X_Fence="1"))
    await asyncio.sleep(0.1)
    assert await post(web, X_Step=KEY, X_Fence="2") == 200
    assert await slow == 409
    assert await post(web, X_Step=KEY, X_Fence="1") == 409
    assert await post(web, X_Step="07-b:1:Effect", X_Fence="1") == 200
    assert [(one.fence, one.effect) for one in await sandbox.effects()] == [
        (1, True),
        (2, True),
        (1, False),
        (1, False),
        (1, True),
    ]


async def test_whoever_leaves_takes_no_effect(web: aiohttp.ClientSession, sandbox: SandboxClient) -> None:
    """The work ends with the caller, and the list says when."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(post(web, 4000, X_Step=KEY), 0.5)
    seen: list[EffectSeen] = []

    async def look() -> None:
        while not seen:
            seen.extend(await sandbox.effects())

    await asyncio.wait_for(look(), 3)
    assert (seen[0].status, seen[0].effect) == (0, False)


async def test_an_answer_may_be_lost_after_the_effect_or_the_effect_before_the_answer(
    web: aiohttp.ClientSession, sandbox: SandboxClient
) -> None:
    """Faults of effect.post: reset after the commit; an error and no effect."""
    await sandbox.fault("effect.post", "stored_then_reset", nth=1)
    with pytest.raises(aiohttp.ClientError):
        await post(web, X_Step=KEY)
    assert [one.effect for one in await sandbox.effects()] == [True]
    await sandbox.fault("effect.post", "lost_500", nth=1)
    assert await post(web, X_Step=KEY) == 500
    assert len(await sandbox.effects()) == 1


@pytest.mark.parametrize("headers", [{}, {"X_Step": KEY, "X_Fence": "-1"}, {"X_Step": KEY, "X_Fence": "one"}])
async def test_what_cannot_be_told_apart_is_refused(web: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    """No key, or a fence that is no number."""
    assert await post(web, **headers) == 400


async def test_effects_and_fences_survive_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A sandbox that starts again on the same folder knows what was done, and refuses the past."""
    folder = tmp_path_factory.mktemp("sandbox")
    for fence, status in (("3", 200), ("2", 409)):
        async with sandbox_at(folder) as sandbox, aiohttp.ClientSession(sandbox.base_url) as web:
            assert await post(web, X_Step=KEY, X_Fence=fence) == status
            found = await sandbox.effects()
    assert [one.status for one in found] == [200, 409]
