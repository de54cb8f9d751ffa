"""The sandbox's Prometheus: the figures follow what is put on the dealers' sites."""

import asyncio
import json
import time
from pathlib import Path

import aiohttp

from integration.sandbox.running import CONTENT_TOKEN, sandbox_at
from opsloop_sandbox.client import SandboxClient

DEALER = "naples-honda"
DOCUMENT = {
    "@context": "https://schema.org",
    "@type": "AutoDealer",
    "name": "Naples Honda",
    "telephone": "+1-239-555-0143",
    "address": {"@type": "PostalAddress", "streetAddress": "3500 Davis Blvd"},
}
LOW, HIGH = 0.79, 0.93


async def precision(web: aiohttp.ClientSession, sandbox: SandboxClient, ahead_seconds: float = 0) -> float:
    """As of now, or of a time to come: what it will be if nothing changes."""
    form = {
        "query": f'gnn_precision_by_dealer{{dealer="{DEALER}"}}',
        "time": f"{time.time() + ahead_seconds:.3f}",
    }
    async with web.post(f"{sandbox.base_url}/prometheus/api/v1/query", data=form) as response:
        (series,) = (await response.json())["data"]["result"]
        return float(series["value"][1])


async def _risen(web: aiohttp.ClientSession, sandbox: SandboxClient) -> float:
    """The first value above the low one."""
    async with asyncio.timeout(5):
        while True:
            if (value := await precision(web, sandbox)) > LOW:
                return value
            await asyncio.sleep(0.1)


async def put_right(web: aiohttp.ClientSession, sandbox: SandboxClient) -> None:
    site = f"{sandbox.base_url}/sites/{DEALER}/"
    async with web.get(site) as page:
        headers = {"Authorization": f"Bearer {CONTENT_TOKEN}", "If-Match": page.headers["ETag"]}
    async with web.put(f"{site}content/jsonld", data=json.dumps(DOCUMENT), headers=headers) as response:
        assert response.status == 204


async def test_a_correct_put_moves_the_figures(sandbox: SandboxClient) -> None:
    """From low to higher within seconds, high in the end; a reset takes it back."""
    async with aiohttp.ClientSession() as web:
        assert await precision(web, sandbox, ahead_seconds=60) == LOW
        await put_right(web, sandbox)
        assert await precision(web, sandbox, ahead_seconds=60) == HIGH
        assert LOW < await _risen(web, sandbox) < HIGH
        await sandbox.change_site(DEALER, reset=True)
        assert await precision(web, sandbox, ahead_seconds=60) == LOW


async def test_a_refused_put_moves_nothing(sandbox: SandboxClient) -> None:
    """Only what took effect counts."""
    async with aiohttp.ClientSession() as web:
        url = f"{sandbox.base_url}/sites/{DEALER}/content/jsonld"
        headers = {"Authorization": f"Bearer {CONTENT_TOKEN}", "If-Match": '"old"'}
        async with web.put(url, data=json.dumps(DOCUMENT), headers=headers) as response:
            assert response.status == 412
        assert await precision(web, sandbox, ahead_seconds=60) == LOW


async def test_a_restart_continues(tmp_path: Path) -> None:
    """The figures are the same at the same time, in a sandbox started anew on the same folder."""
    at = time.time() + 2

    async def gain(web: aiohttp.ClientSession, sandbox: SandboxClient) -> object:
        form = {"query": f'gnn_arr_gain_by_dealer{{dealer="{DEALER}"}}', "time": f"{at:.3f}"}
        async with web.post(f"{sandbox.base_url}/prometheus/api/v1/query", data=form) as response:
            return (await response.json())["data"]["result"]

    async with aiohttp.ClientSession() as web:
        async with sandbox_at(tmp_path) as sandbox:
            fresh = await gain(web, sandbox)
            await put_right(web, sandbox)
            fixed = await gain(web, sandbox)
        async with sandbox_at(tmp_path) as sandbox:
            assert await gain(web, sandbox) == fixed != fresh
