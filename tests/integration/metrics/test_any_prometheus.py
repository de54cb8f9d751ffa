"""What holds with a real Prometheus and with the sandbox's alike."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from integration.metrics.conftest import NASTY_TARGETS
from integration.metrics.figures import figures, gain, gain_over
from integration.sandbox.running import sandbox_at
from opsloop_common.measures import MetricQuery

QUERY = 'gnn_arr_gain_by_dealer{dealer="naples-honda"}'


@pytest.fixture(params=["real", "sandbox"])
async def prometheus_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of each in turn, as PROMETHEUS_URL names it."""
    if request.param == "real":
        yield request.getfixturevalue("real_prometheus")
        return
    async with sandbox_at(tmp_path / "sandbox") as client:
        yield f"{client.base_url}/prometheus"


async def asked(session: aiohttp.ClientSession, url: str, form: dict[str, str]) -> tuple[int, Any]:
    async with session.post(url, data=form) as response:
        return response.status, await response.json()


async def test_a_value_comes_with_the_time_of_its_sample(session: aiohttp.ClientSession, prometheus_url: str) -> None:
    """Both metrics of the catalogue; the time is in the past, not that of the question."""
    asking = figures(session, prometheus_url)
    found = await asking.value(gain("naples-honda"))
    assert (found.state, found.unit, found.title) == ("value", "usd", "ARR Gain (1h)")
    assert found.value > 1_000
    assert found.at is not None
    assert found.at.timestamp() == int(found.at.timestamp())
    assert time.time() - 120 < found.at.timestamp() <= time.time()
    precision = await asking.value(MetricQuery(metric="precision", target="naples-honda"))
    assert 0.7 < precision.value < 1


async def test_a_target_without_series_is_no_data(session: aiohttp.ClientSession, prometheus_url: str) -> None:
    """Neither zero nor unavailable, for the newest value and for a course."""
    asking = figures(session, prometheus_url)
    found = await asking.value(gain("orlando-ford"))
    assert (found.state, found.at) == ("no_data", None)
    course = await asking.course(gain_over("orlando-ford"))
    assert (course.state, course.points) == ("no_data", ())


@pytest.mark.parametrize("target", NASTY_TARGETS)
async def test_no_target_breaks_the_query(session: aiohttp.ClientSession, prometheus_url: str, target: str) -> None:
    """Quotes, backslashes, ends of lines and emoji are text: never a parse error, never another dealer's number."""
    found = await figures(session, prometheus_url).value(gain(target))
    known_to_the_real_one = found.state == "value" and found.value == 100 + NASTY_TARGETS.index(target)
    assert known_to_the_real_one or found.state == "no_data"


async def test_a_course_is_a_point_a_step_up_to_now(session: aiohttp.ClientSession, prometheus_url: str) -> None:
    """In order of time, every step of it, none outside."""
    asked_at = time.time()
    course = await figures(session, prometheus_url).course(gain_over("naples-honda", seconds=60, step_seconds=15))
    times = [point.at.timestamp() - asked_at for point in course.points]
    assert course.state == "value"
    assert times == pytest.approx([-60, -45, -30, -15, 0], abs=1)
    assert all(point.value > 1_000 for point in course.points)


async def test_instant_answers_have_prometheus_shapes(session: aiohttp.ClientSession, prometheus_url: str) -> None:
    """The labels of the series and a pair of time and text; a timestamp() has the sample's time and no name."""
    url = f"{prometheus_url}/api/v1/query"
    at = f"{time.time():.3f}"
    status, found = await asked(session, url, {"query": QUERY, "time": at, "timeout": "1.5"})
    assert (status, found["status"], found["data"]["resultType"]) == (200, "success", "vector")
    (series,) = found["data"]["result"]
    assert series["metric"] == {"__name__": "gnn_arr_gain_by_dealer", "dealer": "naples-honda"}
    assert series["value"][0] == pytest.approx(float(at))
    assert float(series["value"][1]) > 1_000
    _, timed = await asked(session, url, {"query": f"timestamp({QUERY})", "time": at})
    assert timed["data"]["result"][0]["metric"] == {"dealer": "naples-honda"}
    assert float(timed["data"]["result"][0]["value"][1]) <= float(at)
    _, evaluated = await asked(session, url, {"query": f"timestamp(timestamp({QUERY}))", "time": at})
    assert float(evaluated["data"]["result"][0]["value"][1]) == pytest.approx(float(at))


async def test_a_get_is_as_good_as_a_form(session: aiohttp.ClientSession, prometheus_url: str) -> None:
    """Whoever tries it in a browser sees the same."""
    async with session.get(f"{prometheus_url}/api/v1/query", params={"query": QUERY}) as response:
        assert (await response.json())["data"]["result"][0]["metric"]["dealer"] == "naples-honda"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("query", {}),
        ("query", {"query": "g{"}),
        ("query", {"query": 'g{dealer="a'}),
        ("query", {"query": 'g{dealer="\\q"}'}),
        ("query", {"query": "{}"}),
        ("query", {"query": "g g"}),
        ("query", {"query": "nothing_like_it(g)"}),
        ("query", {"query": QUERY, "timeout": "1.9s"}),
        ("query", {"query": QUERY, "time": "yesterday"}),
        ("query_range", {"query": QUERY}),
        ("query_range", {"query": QUERY, "start": "100", "end": "50", "step": "1"}),
        ("query_range", {"query": QUERY, "start": "100", "end": "200", "step": "0"}),
        ("query_range", {"query": QUERY, "start": "0", "end": "20000", "step": "1"}),
    ],
)
async def test_a_bad_query_is_bad_data(
    session: aiohttp.ClientSession, prometheus_url: str, path: str, form: dict[str, str]
) -> None:
    """Status 400 with Prometheus' own body."""
    status, found = await asked(session, f"{prometheus_url}/api/v1/{path}", form)
    assert (status, found["status"], found["errorType"]) == (400, "error", "bad_data"), found


async def test_a_json_body_is_not_looked_at(session: aiohttp.ClientSession, prometheus_url: str) -> None:
    """Prometheus takes forms only."""
    async with session.post(f"{prometheus_url}/api/v1/query", json={"query": QUERY}) as response:
        assert (response.status, (await response.json())["errorType"]) == (400, "bad_data")
