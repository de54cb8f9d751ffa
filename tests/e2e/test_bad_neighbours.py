"""The four real tasks while what they lean on is cut off or frozen: nothing hangs, nothing is done twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from installation import ALICE, OPS, Installation


@contextlib.asynccontextmanager
async def frozen() -> AsyncIterator[str]:
    """The address of a server that takes every connection and never says a word."""
    connections: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: connections.append(writer), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in connections:
            writer.close()
        server.close()


async def test_a_site_that_is_cut_off_while_the_fix_is_put_is_fixed_once(loop: Installation) -> None:
    """The PUT took effect and its answer was lost: the page is found right, and nothing takes effect twice."""
    await loop.sandbox.fault("site.put", "stored_then_reset", nth=1)
    await loop.sandbox.command(ALICE, OPS, "run schema_fix naples-honda")
    await loop.see("schema_fix for naples-honda", "✅", "11 problems corrected", seconds=30)
    site = await loop.sandbox.site("naples-honda")
    assert [put.effect for put in site.puts].count(True) == 1, site.puts
    assert '"AutoDealer"' in (site.jsonld or "")


async def test_a_site_that_takes_nothing_is_told_and_retried(loop: Installation) -> None:
    """The PUT was answered with an error and changed nothing: the card says so, and Retry repairs the page."""
    await loop.sandbox.fault("site.put", "lost_500", nth=1)
    await loop.sandbox.command(ALICE, OPS, "run schema_fix naples-honda")
    failed = await loop.see("schema_fix for naples-honda", "❌", seconds=30)
    await loop.sandbox.click(ALICE, OPS, failed.ts, "task.retry")
    done = await loop.see("schema_fix for naples-honda", "✅", seconds=30)
    assert done.ts == failed.ts
    site = await loop.sandbox.site("naples-honda")
    assert [put.effect for put in site.puts].count(True) == 1, site.puts


async def test_a_frozen_prometheus_delays_no_card_and_no_task(loop: Installation) -> None:
    """Cards and completions say that the numbers are not to be had; the forecast, which needs them, fails clearly."""
    async with frozen() as prometheus:
        await loop.end("metrics")
        await loop.start_one("metrics", PROMETHEUS_URL=prometheus)
        await loop.ready("metrics")
        await loop.sandbox.command(ALICE, OPS, "status naples-honda")
        card = await loop.see("Status of", seconds=6)
        assert "unavailable" in str(card.blocks).lower()
        await loop.sandbox.command(ALICE, OPS, "run schema_fix naples-honda")
        await loop.see("schema_fix for naples-honda", "✅", seconds=30)
        await loop.see("ugc_audit for naples-honda", "✅", seconds=30)
        await loop.see("arr_forecast for naples-honda", "❌", "nobody answered for Prometheus", seconds=40)
        await loop.sandbox.command(ALICE, OPS, "run ai_score_recompute tampa-chevrolet")
        await loop.see("ai_score_recompute for tampa-chevrolet", "✅", seconds=40)


async def test_a_frozen_clerk_denies_what_is_sensitive_and_nothing_else(loop: Installation) -> None:
    """No answer never allows, at once and with a reason; what is not sensitive runs; the answer is believed again."""
    async with frozen() as clerk:
        await loop.end("ingress")
        await loop.start_one("ingress", CLERK_API_URL=f"{clerk}/v1")
        await loop.ready("ingress")
        await loop.sandbox.command(ALICE, OPS, "run ai_score_recompute naples-honda")
        await loop.sandbox.command(ALICE, OPS, "run ugc_audit naples-honda")
        await loop.see("ugc_audit for naples-honda", "✅", seconds=30)
        refusal = await loop.see("ai_score_recompute", "verified", seconds=20)
        assert refusal.ephemeral
    await loop.end("ingress")
    await loop.start_one("ingress")
    await loop.ready("ingress")
    await loop.sandbox.command(ALICE, OPS, "run ai_score_recompute naples-honda")
    await loop.see("ai_score_recompute for naples-honda", "✅", seconds=30)
