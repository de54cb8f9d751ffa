"""Narrow, dark, for everybody: the page fits, keeps to itself, and axe finds nothing."""

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import Page, expect

from browser.stage import Stage, picture, type_in

PARTS = "html, body, #main, #messages, #backstage, #backstage-panel, #thread"
SIDEWAYS = f"""() => [...document.querySelectorAll("{PARTS}")]
  .filter((node) => !node.hidden && node.scrollWidth > node.clientWidth + 1).map((node) => node.id || node.nodeName)"""


async def fill(page: Page, stage: Stage) -> None:
    """A channel with a bit of everything."""
    await type_in(page, "/dealershipai status naples-honda")
    await page.get_by_role("button", name="Run Schema Fix").click()
    await expect(page.get_by_text("100%")).to_be_visible()
    await type_in(page, "/dealershipai help")
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await stage.slack.chat_postMessage(
        channel="C0OPS", text="x", blocks=[{"type": "container", "child_blocks": [{"type": "divider"}]}]
    )
    await stage.slack.chat_postMessage(channel="C0OPS", text="```" + "long " * 60 + "x" * 300 + "```")
    await expect(page.locator("#messages pre")).to_have_count(2)


async def violations(page: Page) -> list[str]:
    results = await Axe().run(page)
    return [
        f"{found['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_axe_finds_nothing(stage: Stage, dark: bool) -> None:
    """The channel, the thread, each pane behind the scenes and a modal are accessible, by light and by dark."""
    page = await stage.window(dark=dark)
    await fill(page, stage)
    await page.get_by_role("button", name="2 replies").click()
    await picture(page, f"channel-{'dark' if dark else 'light'}")
    assert await violations(page) == []
    await page.get_by_role("button", name="Behind the scenes").click()
    for tab in ("Events", "Slack calls", "Dealer's page", "Operator"):
        await page.get_by_role("tab", name=tab).click()
        await expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
        assert (tab, await violations(page)) == (tab, [])
    await page.get_by_role("button", name="Close behind the scenes").click()
    await page.get_by_role("button", name="With parameters").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await picture(page, f"modal-{'dark' if dark else 'light'}")
    assert await violations(page) == []


async def test_a_narrow_window_needs_no_sideways_scrolling(stage: Stage) -> None:
    """At 360 pixels everything fits: channel, menu, thread, what is behind the scenes, a modal."""
    page = await stage.window(width=360)
    await fill(page, stage)
    assert await page.evaluate(SIDEWAYS) == []
    await picture(page, "narrow-channel")
    await page.get_by_role("button", name="Channels and people").click()
    await expect(page.get_by_role("button", name="# random")).to_be_visible()
    await picture(page, "narrow-menu")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="2 replies").click()
    assert await page.evaluate(SIDEWAYS) == []
    await page.get_by_role("button", name="Close thread").click()
    await page.get_by_role("button", name="Behind the scenes").click()
    for tab in ("Events", "Slack calls", "Dealer's page", "Operator"):
        await page.get_by_role("tab", name=tab).click()
        await expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
        assert (tab, await page.evaluate(SIDEWAYS)) == (tab, [])
        await picture(page, f"narrow-{tab.split()[0]}")
    assert await violations(page) == []


async def test_dark_is_dark(stage: Stage) -> None:
    """Who prefers dark gets light words on a dark ground."""
    page = await stage.window(dark=True)
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(23, 27, 29)"
