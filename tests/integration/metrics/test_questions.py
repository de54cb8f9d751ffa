"""Questions to the metrics service over the broker."""

import asyncio
import time
from typing import Literal

import msgspec
import pytest

from broker import NatsServer
from integration.metrics.figures import gain, gain_over
from integration.metrics.running import append, metrics_process, series, status_of
from integration.metrics.scripted_prometheus import ScriptedPrometheus
from opsloop_common.bus import Bus
from opsloop_common.measures import Measure, MetricQuery, RangeQuery, Series
from opsloop_common.service import Unanswered, request
from opsloop_common.subjects import Subjects
from waiting import until

DEADLINE_SECONDS = 3.0


async def value(bus: Bus, subjects: Subjects, question: msgspec.Struct) -> Measure:
    return await request(bus, subjects.metric("value"), question, Measure, DEADLINE_SECONDS)


async def test_a_value_and_a_course_are_answered(
    nats_server: NatsServer, bus: Bus, subjects: Subjects, real_prometheus: str
) -> None:
    """From the catalogue's name and a target to a number with its time, and what it cost on /metrics."""
    async with metrics_process(nats_server.url, subjects, bus, PROMETHEUS_URL=real_prometheus) as url:
        found = await value(bus, subjects, gain("naples-honda"))
        course = await request(bus, subjects.metric("range"), gain_over("naples-honda"), Series, DEADLINE_SECONDS)
        counted = series(url)
    assert (found.state, found.value) == ("value", 12_000)
    assert found.at is not None
    assert len(course.points) == 5
    assert counted['metrics_queries_total{metric="arr_gain",outcome="value"}'] == 2
    assert counted['metrics_query_seconds_count{metric="arr_gain"}'] == 2


async def test_a_wrong_question_is_refused_with_a_sentence(
    nats_server: NatsServer, bus: Bus, subjects: Subjects
) -> None:
    """Unknown metrics, bad targets, bad times and what is no question: 400, and the service goes on."""
    wrong: list[tuple[Literal["value", "range"], msgspec.Struct | msgspec.Raw, str]] = [
        ("value", MetricQuery(metric="nope", target="a"), "no metric 'nope': known are arr_gain, precision"),
        ("value", MetricQuery(metric="n\n\ue000'", target="a"), "no metric"),
        ("value", gain(""), "the target is empty"),
        ("value", gain("x" * 300), "longer than 200"),
        ("value", msgspec.Raw(b"{"), "not a MetricQuery"),
        ("value", msgspec.Raw(b'{"metric":"arr_gain"}'), "missing required field `target`"),
        ("value", msgspec.Raw(b'{"metric":"arr_gain","target":"\\ud800"}'), ""),
        ("value", msgspec.Raw(b'{"metric":"arr_gain","target":7}'), "Expected `str`"),
        ("range", gain_over("a", seconds=0), "seconds must lie"),
        ("range", gain_over("a", seconds=1e12), "seconds must lie"),
        ("range", gain_over("a", step_seconds=0.1), "step_seconds must lie"),
        ("range", gain_over("a", seconds=86_400, step_seconds=1), "more than 1000 points"),
        ("range", RangeQuery(metric="x", target="a", seconds=1, step_seconds=1), "no metric 'x'"),
    ]
    async with metrics_process(nats_server.url, subjects, bus) as url:
        for form, question, sentence in wrong:
            with pytest.raises(Unanswered, match="400") as refused:
                await request(bus, subjects.metric(form), question, Measure, DEADLINE_SECONDS)
            assert sentence in refused.value.text
        assert (await value(bus, subjects, gain("a"))).state == "unavailable"
        assert series(url)['metrics_queries_total{metric="arr_gain",outcome="bad_request"}'] == 6


async def test_without_prometheus_url_everything_is_unavailable(
    nats_server: NatsServer, bus: Bus, subjects: Subjects
) -> None:
    """The service is ready and answers."""
    async with metrics_process(nats_server.url, subjects, bus):
        assert (await value(bus, subjects, gain("naples-honda"))).state == "unavailable"


async def test_a_hanging_prometheus_stops_nothing_else(
    nats_server: NatsServer, bus: Bus, subjects: Subjects, scripted: ScriptedPrometheus
) -> None:
    """A hundred questions that hang are answered within the deadline, while tasks are counted and bad ones refused."""
    scripted.answer = scripted.hang
    changes = {"PROMETHEUS_URL": scripted.url, "PROMETHEUS_DEADLINE_SECONDS": "1.5"}
    async with metrics_process(nats_server.url, subjects, bus, **changes) as url:
        asked_at = time.monotonic()
        asking = [asyncio.create_task(value(bus, subjects, gain(f"dealer-{number}"))) for number in range(60)]
        await append(bus, subjects, "started", "running")
        await until(lambda: series(url).get('task_running{task="schema_fix"}') == 1)
        with pytest.raises(Unanswered, match="no metric"):
            await value(bus, subjects, MetricQuery(metric="x", target="a"))
        assert time.monotonic() - asked_at < 1.5
        assert status_of(f"{url}/readyz") == 200
        found = await asyncio.gather(*asking)
    assert {measure.state for measure in found} == {"unavailable"}


async def test_replicas_share_the_questions(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> None:
    """Each question is answered by one of them, and both get some."""
    async with (
        metrics_process(nats_server.url, subjects, bus) as first,
        metrics_process(nats_server.url, subjects, bus) as second,
    ):
        await asyncio.gather(*(value(bus, subjects, gain(f"dealer-{number}")) for number in range(40)))
        name = 'metrics_queries_total{metric="arr_gain",outcome="unavailable"}'
        counts = [series(url).get(name, 0) for url in (first, second)]
    assert sum(counts) == 40
    assert min(counts) > 0
