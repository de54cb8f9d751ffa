"""Fixtures of the dealership's integration tests."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp.test_utils import TestServer

from integration.dealership.dealer_site import DealerSite, address_of

Serve = Callable[[DealerSite], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a site on a free port and gives its base URL; stops all of them at the end."""
    servers: list[tuple[DealerSite, TestServer]] = []

    async def start(site: DealerSite) -> str:
        server = TestServer(site.application(), host="127.0.0.1")
        servers.append((site, server))
        await server.start_server(shutdown_timeout=0.1)
        return address_of(server)

    yield start
    for site, server in servers:
        site.stop.set()
        await server.close()
