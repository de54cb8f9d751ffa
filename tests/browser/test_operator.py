"""The operator's corner on the real demo: take something away, and the card still ends up right."""

import re
from pathlib import Path

from playwright.async_api import Browser, expect

from browser.stage import type_in
from opsloop_command import Running

PATIENCE_MILLISECONDS = 30_000


async def test_a_card_ends_right_though_slack_fails_and_the_notifier_is_killed(
    tmp_path: Path, browser: Browser
) -> None:
    """Slack limits calls, the notifier is killed by a click while the task runs, and started again by another."""
    demo = Running("demo", tmp_path / "data")
    await demo.start()
    try:
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        await page.goto(demo.sandbox_url)
        await page.get_by_role("button", name="Behind the scenes").click()
        await page.get_by_role("tab", name="Operator").click()
        await type_in(page, "/dealershipai run schema_fix orlando-ford")
        messages = page.locator("#messages")
        await expect(messages.locator("article")).to_have_count(1, timeout=PATIENCE_MILLISECONDS)
        await page.locator(".presets button").first.click()
        await expect(page.get_by_text("Switched on")).to_be_visible()
        await page.get_by_role("button", name="Kill notifier").click()
        await expect(page.get_by_role("button", name="Start notifier")).to_be_enabled(timeout=PATIENCE_MILLISECONDS)
        await page.get_by_role("button", name="Start notifier").click()
        await expect(messages.get_by_text("❌ Error:")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        await expect(messages.get_by_role("button", name=re.compile("1 reply"))).to_be_visible(
            timeout=PATIENCE_MILLISECONDS
        )
        await expect(messages.locator("article")).to_have_count(1)
    finally:
        await demo.close()
