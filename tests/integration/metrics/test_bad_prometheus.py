"""What answers badly in Prometheus' place is "unavailable", in time, and nothing else suffers."""

import asyncio
import gzip
import logging
import time

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from broker import free_port
from integration.metrics.figures import SHIPPED, figures, gain, gain_over
from integration.metrics.scripted_prometheus import HUGE_CHUNKS, Answer, ScriptedPrometheus, body
from opsloop_common.measures import Measure
from opsloop_metrics.figures import Figures
from opsloop_metrics.measure import Running
from opsloop_metrics.prometheus import Prometheus
from opsloop_metrics.series import Series

JSON = "application/json"
EMPTY = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
BAD_DATA = b'{"status":"error","errorType":"bad_data","error":"1:5: parse error: unexpected character"}'
EXECUTION = b'{"status":"error","errorType":"execution","error":"query processing would load too many samples"}'
LATE = b'{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}'
PAGE = b"<html><body>Sign in</body></html>"


def unavailable(found: Measure) -> bool:
    return (found.state, found.value, found.at, found.unit) == ("unavailable", 0.0, None, "usd")


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (body(400, BAD_DATA, content_type=JSON), "status 400 bad_data 1:5: parse error"),
        (body(422, EXECUTION, content_type=JSON), "status 422 execution query processing"),
        (body(503, LATE, content_type=JSON), "status 503 timeout query timed out"),
        (body(503, PAGE), "status 503"),
        (body(404, b"404 page not found\n"), "status 404"),
        (body(302, b"", location="/login"), "status 302"),
        (body(200, PAGE), "not an answer of Prometheus"),
        (body(200, b""), "not an answer of Prometheus"),
        (body(200, b"\xff\x00\xfe" * 100), "not an answer of Prometheus"),
        (body(200, b"not gzip", **{"Content-Encoding": "gzip"}), "unavailable: "),
        (body(200, gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"}), "more than 2000000 bytes"),
    ],
)
async def test_a_bad_answer_is_unavailable_with_one_line(
    session: aiohttp.ClientSession,
    scripted: ScriptedPrometheus,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    line: str,
) -> None:
    """Refusals, other people's pages and garbage, for a value and for a course; the log says what it was, once."""
    scripted.answer = answer
    asking = figures(session, scripted.url)
    with caplog.at_level(logging.WARNING):
        assert unavailable(await asking.value(gain("naples-honda")))
        assert (await asking.course(gain_over("naples-honda"))).state == "unavailable"
        assert unavailable(await asking.value(gain("other")))
    assert [record.name for record in caplog.records] == ["opsloop_metrics.figures"]
    assert line in caplog.text


async def test_an_empty_answer_is_no_data(session: aiohttp.ClientSession, scripted: ScriptedPrometheus) -> None:
    """Nothing found is not a failure."""
    scripted.answer = body(200, EMPTY)
    assert (await figures(session, scripted.url).value(gain("a"))).state == "no_data"


async def test_a_hundred_megabytes_are_not_read(session: aiohttp.ClientSession, scripted: ScriptedPrometheus) -> None:
    """Reading stops at the limit and the connection is given up."""
    scripted.answer = scripted.huge
    assert unavailable(await figures(session, scripted.url, deadline_seconds=20).value(gain("a")))
    assert scripted.chunks_sent < HUGE_CHUNKS / 2


@pytest.mark.parametrize("how", ["hang", "drip"])
async def test_a_hanging_prometheus_costs_the_deadline(
    session: aiohttp.ClientSession, scripted: ScriptedPrometheus, how: str
) -> None:
    """Silence, before or within the answer, ends after the deadline, also for those who wait for their turn."""
    scripted.answer = getattr(scripted, how)
    asking = figures(session, scripted.url, deadline_seconds=0.3)
    asked_at = time.monotonic()
    found = await asyncio.gather(*(asking.value(gain(f"dealer-{number}")) for number in range(40)))
    assert all(map(unavailable, found))
    assert 0.3 <= time.monotonic() - asked_at < 2
    # Eight at a time, and at most eight more as the first ones give up.
    assert 8 <= len(scripted.asked) <= 16


async def test_a_reset_connection_is_unavailable(session: aiohttp.ClientSession, scripted: ScriptedPrometheus) -> None:
    """Prometheus was restarted in the middle."""
    scripted.answer = scripted.reset
    assert unavailable(await figures(session, scripted.url).value(gain("a")))


@pytest.mark.parametrize("url", ["http://127.0.0.1:{free}", "http://", "http://[::", "http://a b/", "http://x:y"])
async def test_nobody_there_is_unavailable(session: aiohttp.ClientSession, url: str) -> None:
    """Refused connections and addresses that are none."""
    assert unavailable(await figures(session, url.format(free=free_port())).value(gain("a")))


async def test_without_an_address_everything_is_unavailable() -> None:
    """The service answers all the same."""
    asking = Figures(SHIPPED, None, Series(CollectorRegistry(), Running()))
    assert unavailable(await asking.value(gain("a")))
    assert (await asking.course(gain_over("a"))).state == "unavailable"


async def test_what_is_sent_is_a_form_with_the_deadline_and_the_token(
    session: aiohttp.ClientSession, scripted: ScriptedPrometheus
) -> None:
    """The query in a form, `timeout` as Prometheus reads it, the token as bearer, under the address's own path."""
    scripted.answer = body(200, EMPTY)
    prometheus = Prometheus(session, f"{scripted.url}/prefix/", token="t0ken", deadline_seconds=1.5)
    await prometheus.query("g")
    await prometheus.query_range("g", 10, 20.5, 2)
    assert scripted.asked == [
        {"query": "g", "timeout": "1.5"},
        {"query": "g", "start": "10.000", "end": "20.500", "step": "2.000", "timeout": "1.5"},
    ]
    assert {headers["Authorization"] for headers in scripted.headers} == {"Bearer t0ken"}


async def test_side_by_side_and_soon_again_is_one_query(
    session: aiohttp.ClientSession, scripted: ScriptedPrometheus
) -> None:
    """Fifty cards that show the same number ask Prometheus once; another target is another query."""
    scripted.answer = body(200, EMPTY)
    registry = CollectorRegistry()
    asking = figures(session, scripted.url, registry=registry)
    await asyncio.gather(*(asking.value(gain("a")) for _ in range(50)))
    await asking.value(gain("a"))
    assert len(scripted.asked) == 1
    await asking.value(gain("b"))
    assert len(scripted.asked) == 2
    labels = {"metric": "arr_gain", "outcome": "no_data"}
    assert registry.get_sample_value("metrics_queries_total", labels) == 52
    assert registry.get_sample_value("metrics_query_seconds_count", {"metric": "arr_gain"}) == 2


async def test_it_recovers_within_a_second(session: aiohttp.ClientSession, scripted: ScriptedPrometheus) -> None:
    """A failure is remembered for a second only, so a Prometheus that is back is asked again."""
    scripted.answer = body(503, b"")
    asking = figures(session, scripted.url)
    assert unavailable(await asking.value(gain("a")))
    scripted.answer = body(200, EMPTY)
    async with asyncio.timeout(3):
        while unavailable(await asking.value(gain("a"))):  # noqa: ASYNC110 - it forgets by the clock
            await asyncio.sleep(0.02)
