"""What was promised beyond the loop, as it looks on the page: form, queue, cancel, denial, the app's page."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from broker import NatsServer
from browser.stage import picture, type_in
from browser.test_whole_loop import PATIENCE_MILLISECONDS, window
from installation import Installation


@pytest.fixture
async def loop(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Installation]:
    async with Installation(tmp_path, nats_server) as installation:
        yield installation


async def test_a_form_a_forecast_and_the_app_s_page(loop: Installation, browser: Browser) -> None:
    """The button opens a form; what was entered runs; the app's page lists it."""
    page = await window(browser, loop)
    await type_in(page, "/dealershipai status naples-honda")
    await page.get_by_role("button", name="Run ARR Forecast").click()
    form = page.get_by_role("dialog")
    await expect(form.get_by_text("Days ahead")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await picture(page, "modal")
    await form.get_by_role("button", name="Run", exact=True).click()
    messages = page.locator("#messages")
    await expect(messages.get_by_text("80 % sure")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await picture(page, "forecast")
    await page.locator("#sidebar").get_by_text("OpsLoop").last.click()
    await expect(messages.get_by_text("80 % sure")).to_have_count(0)
    await expect(messages.get_by_text("arr_forecast").first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await picture(page, "home")


async def test_a_queue_a_cancel_and_a_denial(loop: Installation, browser: Browser) -> None:
    """The second task says behind what it waits; the first is cancelled from its card; Bob is told why not."""
    await loop.sandbox.change_site("naples-honda", mode="slow", seconds=2)
    page, bob = await window(browser, loop), await window(browser, loop, "U0BOB", dark=True)
    await type_in(page, "/dealershipai run schema_fix naples-honda")
    messages = page.locator("#messages")
    await expect(messages.get_by_text("Running").first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await type_in(bob, "/dealershipai run ugc_audit naples-honda")
    await expect(messages.get_by_text("behind")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await picture(page, "queued")
    await messages.get_by_role("button", name="Cancel Task").first.click()
    confirm = page.get_by_role("dialog")
    if await confirm.count():
        await confirm.get_by_role("button").last.click()
    await expect(messages.get_by_text(re.compile("Cancelled by alice –"))).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await picture(page, "cancelled")
    await type_in(bob, "/dealershipai run ai_score_recompute naples-honda")
    await expect(bob.locator("#messages").get_by_text("for verified people only")).to_be_visible(
        timeout=PATIENCE_MILLISECONDS
    )
    await picture(bob, "denied")
