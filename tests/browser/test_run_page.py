"""The page of a run in a browser: readable by everybody, narrow, dark, live, and without scripts."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from browser.stage import picture
from browser.test_looks import violations
from opsloop_common.bus import Bus
from opsloop_common.events import TaskState
from opsloop_common.subjects import Subjects
from run_pages import DONE, FAILED, QUEUED, RUNNING, RunPages, run_pages

SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LINES = ("Step 1: Schema detected", "GET http://127.0.0.1/" + "a-long-path/" * 40, "x" * 1500)


@pytest.fixture
async def pages(bus: Bus, subjects: Subjects) -> AsyncIterator[RunPages]:
    async with run_pages(bus, subjects, bus) as found:
        yield found


async def opened(browser: Browser, pages: RunPages, **context: object) -> Page:
    page = await (await browser.new_context(**context)).new_page()  # type: ignore[arg-type] # options by name
    await page.goto(pages.link())
    return page


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("name", "state"),
    [("succeeded", DONE), ("failed", FAILED), ("started", RUNNING)],
    ids=["done", "failed", "running"],
)
async def test_everybody_can_read_it(
    browser: Browser, pages: RunPages, name: str, state: TaskState, dark: bool
) -> None:
    """axe finds nothing; at 360 pixels nothing scrolls sideways, whatever the log says."""
    await pages.happen(("queued", QUEUED), ("started", RUNNING), ("step", RUNNING), (name, state))
    await pages.say(*LINES)
    scheme = "dark" if dark else "light"
    page = await opened(browser, pages, color_scheme=scheme, viewport={"width": 1100, "height": 900})
    await expect(page.locator("#log")).to_contain_text("Step 1")
    assert await violations(page) == []
    await picture(page, f"run-{name}-{scheme}")
    await page.set_viewport_size({"width": 360, "height": 740})
    assert not await page.evaluate(SIDEWAYS)
    assert await violations(page) == []
    await picture(page, f"run-{name}-{scheme}-phone")


async def test_it_moves_by_itself(browser: Browser, pages: RunPages) -> None:
    """A new line and the end appear without a reload."""
    await pages.happen(("queued", QUEUED), ("started", RUNNING))
    page = await opened(browser, pages)
    await expect(page.locator("#live")).to_have_text("· live")
    await pages.say("a new line <b>as text</b>")
    await expect(page.locator("#log")).to_contain_text("a new line <b>as text</b>")
    await picture(page, "run-live")
    await pages.happen(("failed", FAILED))
    await expect(page.locator("#state")).to_contain_text("Schema validation timeout")
    await expect(page.locator("#live")).to_have_text("")


async def test_it_is_readable_without_scripts(browser: Browser, pages: RunPages) -> None:
    """Everything stands in the page itself; while the run goes on the page reloads."""
    await pages.happen(("queued", QUEUED), ("started", RUNNING))
    await pages.say("the first line")
    page = await opened(browser, pages, java_script_enabled=False)
    await expect(page.locator("#log")).to_contain_text("the first line")
    await pages.happen(("failed", FAILED))
    await expect(page.locator("#state")).to_contain_text("Schema validation timeout", timeout=15_000)
