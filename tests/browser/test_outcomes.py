"""Doubt, silence and tries by themselves, as they look on the page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from broker import NatsServer
from browser.stage import picture
from browser.test_whole_loop import PATIENCE_MILLISECONDS, window
from e2e.conftest import PACK_CATALOGUE
from installation import ALICE, OPS, Installation


@pytest.fixture
async def packs(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Installation]:
    catalogue = PACK_CATALOGUE.replace("MARKER", str(tmp_path / "marker"))
    async with Installation(tmp_path, nats_server, catalogue=catalogue) as installation:
        yield installation


async def test_an_unknown_outcome_a_silent_task_and_one_that_is_tried_again(
    packs: Installation, browser: Browser
) -> None:
    """Each has its words; running again what may have happened is asked about first, and a person settles it."""
    page = await window(browser, packs)
    messages = page.locator("#messages")
    await packs.sandbox.command(ALICE, OPS, "run mortal_unprobed naples")
    await expect(messages.get_by_text("Outcome unknown").first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await packs.sandbox.command(ALICE, OPS, "run flaky naples")
    await expect(messages.get_by_text("It will be tried again").first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await packs.sandbox.command(ALICE, OPS, "run mute naples")
    await expect(messages.get_by_text("no sign of life").first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await picture(page, "doubts")
    await messages.get_by_role("button", name="It Did Not, Run Again").first.click()
    question = page.get_by_role("dialog")
    await expect(question.get_by_text("Run it again?")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await picture(page, "rerun")
    await question.get_by_role("button", name="Leave It").click()
    await messages.get_by_role("button", name="It Happened").first.click()
    await expect(messages.get_by_text("confirmed that it happened").first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
