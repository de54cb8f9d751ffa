"""A sandbox process with the fake app behind it, and windows of a browser on its page."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from playwright.async_api import Browser, BrowserContext, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from broker import free_port
from browser.fake_app import FakeApp, fake_app
from integration.sandbox.running import TOKEN, sandbox_process
from opsloop_sandbox.client import SandboxClient

PATIENCE_MILLISECONDS = 10_000


class Stage:
    """`asked` are the addresses that the page's windows requested; `mistakes` what their consoles complained of."""

    def __init__(self, url: str, browser: Browser, app: FakeApp, slack: AsyncWebClient) -> None:
        self.url = url
        self.browser = browser
        self.app = app
        self.slack = slack
        self.asked: list[str] = []
        self.mistakes: list[str] = []

    async def window(self, user: str = "U0ALICE", *, width: int = 1280, dark: bool = False) -> Page:
        """A window of its own browser profile, with the page loaded and live."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        self._listen(context)
        page = await context.new_page()
        await page.goto(f"{self.url}/#{user}/C0OPS")
        await expect(page.locator("#sidebar .live")).to_be_attached(timeout=PATIENCE_MILLISECONDS)
        return page

    def _listen(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("weberror", lambda error: self.mistakes.append(str(error.error)))

    @property
    def strangers(self) -> set[str]:
        """The hosts beside this machine that were asked for anything."""
        return {urlsplit(url).hostname or url for url in self.asked} - {"127.0.0.1"}


@asynccontextmanager
async def staged(directory: Path, browser: Browser, **environment: str) -> AsyncIterator[Stage]:
    async with fake_app() as app:
        port = str(free_port())
        with sandbox_process(directory, SANDBOX_APP_URL=app.url, SANDBOX_PORT=port, **environment) as (_, url):
            async with aiohttp.ClientSession() as session, SandboxClient(url) as sandbox:
                slack = AsyncWebClient(token=TOKEN, base_url=sandbox.api_url, session=session, retry_handlers=[])
                app.connect(slack)
                yield Stage(url, browser, app, slack)


async def type_in(page: Page, text: str) -> None:
    """Types a line into the channel's box and sends it."""
    box = page.locator("#compose input")
    await box.fill(text)
    await box.press("Enter")


async def picture(page: Page, name: str) -> None:
    """A screenshot, where SCREENSHOTS names a folder: to look at, not to compare."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.jpg", type="jpeg", quality=75)
