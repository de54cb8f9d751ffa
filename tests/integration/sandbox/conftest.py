"""A running sandbox, and slack_sdk speaking to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from integration.sandbox.running import sandbox_at, slack_client
from opsloop_sandbox.client import SandboxClient


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    async with sandbox_at(tmp_path / "sandbox") as client:
        yield client


@pytest.fixture
async def slack(sandbox: SandboxClient) -> AsyncIterator[AsyncWebClient]:
    async with slack_client(sandbox) as client:
        yield client
