"""A whole installation for a test: broker, sandbox and the four services, as real processes on free ports."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker import NatsServer
from installation import Installation


@pytest.fixture
async def loop(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Installation]:
    """Running and ready. When the test is done everything must have settled, and the checker must find nothing."""
    installation = Installation(tmp_path, nats_server)
    await installation.start()
    try:
        yield installation
        assert await installation.broken_invariants() == []
    finally:
        await installation.stop()
