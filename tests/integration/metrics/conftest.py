"""Prometheus, a real one and what stands in its place."""

import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from integration.metrics.prometheus_server import Sample, prometheus_at
from integration.metrics.scripted_prometheus import ScriptedPrometheus, scripted_prometheus

GAIN, PRECISION = "gnn_arr_gain_by_dealer", "gnn_precision_by_dealer"
HISTORY_SECONDS = 1_800
SCRAPE_SECONDS = 15
LAST_SEEN_SECONDS = 120
GONE_SECONDS = 400
NASTY_TARGETS = (
    'a"b',
    "back\\slash",
    "\\",
    '\\"',
    "two\nlines",
    "🚗 emoji",
    '"} or vector(1) #',
    "$target",
    "a'b`c",
    "a\\nb",
)


@pytest.fixture(scope="module")
def started_at() -> float:
    """The time of the newest samples, in whole seconds."""
    return float(int(time.time()))


@pytest.fixture(scope="module")
def real_prometheus(tmp_path_factory: pytest.TempPathFactory, started_at: float) -> Iterator[str]:
    with prometheus_at(tmp_path_factory.mktemp("prometheus"), list(_samples(started_at))) as url:
        yield url


def _samples(now: float) -> Iterator[Sample]:
    for ago in range(0, HISTORY_SECONDS, SCRAPE_SECONDS):
        yield Sample(GAIN, {"dealer": "naples-honda"}, f"{12_000 - ago}", now - ago)
        yield Sample(PRECISION, {"dealer": "naples-honda"}, "0.93", now - ago)
    yield Sample(GAIN, {"dealer": "late"}, "7", now - LAST_SEEN_SECONDS)
    yield Sample(GAIN, {"dealer": "gone"}, "7", now - GONE_SECONDS)
    yield Sample(GAIN, {"dealer": "nan"}, "NaN", now)
    yield Sample(GAIN, {"dealer": "infinite"}, "+Inf", now)
    yield Sample(GAIN, {"dealer": "zero"}, "0", now)
    for stage in ("a", "b"):
        yield Sample(GAIN, {"dealer": "twice", "stage": stage}, "1", now)
    for number, target in enumerate(NASTY_TARGETS):
        yield Sample(GAIN, {"dealer": target}, str(100 + number), now)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedPrometheus]:
    async with scripted_prometheus() as running:
        yield running
