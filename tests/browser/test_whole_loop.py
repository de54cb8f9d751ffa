"""The product as a newcomer meets it: one page, everything behind it real."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from broker import NatsServer
from browser.stage import picture, type_in
from installation import Installation

PATIENCE_MILLISECONDS = 20_000


@pytest.fixture
async def loop(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Installation]:
    async with Installation(tmp_path, nats_server) as installation:
        yield installation


async def window(browser: Browser, loop: Installation, user: str = "U0ALICE", *, dark: bool = False) -> Page:
    context = await browser.new_context(
        viewport={"width": 1280, "height": 860}, color_scheme="dark" if dark else "light", device_scale_factor=1
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = await context.new_page()
    await page.goto(f"{loop.sandbox.base_url}/#{user}/C0OPS")
    await expect(page.locator("#sidebar .live")).to_be_attached(timeout=PATIENCE_MILLISECONDS)
    return page


async def test_command_click_bar_thread_and_numbers(loop: Installation, browser: Browser) -> None:
    """From the typed command to 100 %, with the steps in the thread and the numbers on the card."""
    await loop.sandbox.change_site("naples-honda", mode="slow", seconds=1.2)
    page = await window(browser, loop)
    await type_in(page, "/dealershipai status naples-honda")
    await expect(page.get_by_text("GNN Precision")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await page.get_by_role("button", name="Run Schema Fix").click()
    messages = page.locator("#messages")
    await expect(messages.get_by_text("60%")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await picture(page, "running")
    await expect(messages.get_by_text("██████████ 100%")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await messages.get_by_role("button", name=re.compile(r"\d+ repl")).click()
    thread = page.locator("#thread")
    await expect(thread.get_by_text("Progress: 20% – Schema detected.")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await expect(thread.get_by_text("✅ Completed successfully. ARR Gain (1h): $")).to_be_visible()
    await picture(page, "done")


async def test_a_failure_its_log_and_retry(loop: Installation, browser: Browser) -> None:
    """A failing run shows why and the end of its log; with the site back, Retry succeeds on the same card."""
    page = await window(browser, loop)
    await type_in(page, "/dealershipai run schema_fix orlando-ford")
    messages = page.locator("#messages")
    await expect(messages.get_by_text("❌ Error:")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await messages.get_by_role("button", name="1 reply").click()
    await expect(page.locator("#thread pre")).to_contain_text("GET http://")
    await picture(page, "failed")
    await loop.sandbox.change_site("orlando-ford", mode="ok")
    await messages.get_by_role("button", name="Retry Task").click()
    await expect(messages.get_by_text("attempt 2")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await expect(messages.get_by_text("██████████ 100%")).to_be_visible(timeout=PATIENCE_MILLISECONDS)


async def test_a_refusal_is_private_and_an_open_page_survives_a_restart_of_everything(
    loop: Installation, browser: Browser, nats_server: NatsServer
) -> None:
    """Bob does not see what Alice was told; after everything was killed, the broker too, her page goes on by itself."""
    alice, bob = await window(browser, loop), await window(browser, loop, "U0BOB", dark=True)
    await type_in(alice, "/dealershipai status naples-hnda")
    await expect(alice.get_by_text("Only visible to you")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await expect(alice.locator("#messages").get_by_text("Did you mean")).to_be_visible()
    await expect(bob.get_by_text("Did you mean")).to_have_count(0)
    names = ("sandbox", "ingress", "orchestrator", "notifier", "metrics")
    for name in names:
        await loop.end(name)
    nats_server.kill()
    nats_server.start()
    for name in names:
        await loop.start_one(name)
    await loop.ready(*names)
    await expect(alice.locator("#sidebar .live")).to_be_attached(timeout=PATIENCE_MILLISECONDS)
    await type_in(alice, "/dealershipai status tampa-chevrolet")
    for page in (alice, bob):
        await expect(page.get_by_role("heading", name="Tampa Chevrolet")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
