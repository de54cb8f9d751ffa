"""One browser a test, and a sandbox with an app to look at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from browser.chromium import chromium
from browser.stage import Stage, staged


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest.fixture
async def stage(tmp_path: Path, browser: Browser) -> AsyncIterator[Stage]:
    """Without rate limits. In the end no script may have failed and nobody else may have been asked for anything."""
    async with staged(tmp_path, browser, SANDBOX_RATE_LIMITS="off") as found:
        yield found
        assert found.mistakes == []
        assert found.strangers == set()
