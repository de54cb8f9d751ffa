"""Starts metrics."""

import os
from importlib.metadata import version

import aiohttp
from prometheus_client import CollectorRegistry

from opsloop_common import crash, log, runtime, tracing
from opsloop_common.bus import Bus
from opsloop_common.bus.consume import Consumer
from opsloop_common.bus.consume import Handler as Handle
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.measures import MetricQuery, RangeQuery
from opsloop_common.people import ThreadLink, ThreadQuery
from opsloop_common.probe import Health
from opsloop_common.redact import Redactor
from opsloop_common.service import QuestionSeries, Unanswered, endpoint, request, serve
from opsloop_common.settings import Environment
from opsloop_common.subjects import Subjects
from opsloop_metrics import settings as service
from opsloop_metrics.annotating import Annotating
from opsloop_metrics.counting import Counting, TallySeries
from opsloop_metrics.figures import Figures
from opsloop_metrics.grafana import Grafana
from opsloop_metrics.handle import Handler, recheck
from opsloop_metrics.measure import Running
from opsloop_metrics.prometheus import Prometheus
from opsloop_metrics.series import Series
from opsloop_metrics.settings import Settings

AT_ONCE = 64
ANNOTATIONS_AT_ONCE = 8
THREAD_SECONDS = 2.0


def main() -> None:
    runtime.main("metrics", start)


async def start() -> None:
    env = Environment(os.environ)
    settings = service.read(env)
    env.check()
    log.set_up("metrics", settings.service.log_level, Redactor((settings.prometheus_token, settings.grafana_token)))
    tracing.set_up("metrics", os.environ)
    registry = CollectorRegistry()
    readiness = runtime.Readiness(registry, settings.service.nats_monitor_url)
    health = Health(registry, {"broker": readiness.check})
    async with runtime.probing(health, settings.service, "metrics"):
        bus = await runtime.connect(settings.service, "metrics")
        try:
            await runtime.together(runtime.beat(health), _work(bus, settings, readiness, registry))
        finally:
            await bus.close()


async def _work(bus: Bus, settings: Settings, readiness: runtime.Readiness, registry: CollectorRegistry) -> None:
    subjects, running = settings.service.subjects, Running()
    series = Series(registry, running)
    await readiness.wait(bus, subjects)
    handler, consumers = Handler(series, running), ConsumerSeries(registry)
    await readiness.while_streams_stand(
        _consumer(bus, subjects, "EVT", handler.event, consumers).run(),
        Counting(bus, subjects, TallySeries(registry)).run(),
        recheck(bus, subjects, running),
        _answer(bus, settings, series, QuestionSeries(registry)),
        _annotate(bus, settings, series, consumers),
    )


async def _annotate(bus: Bus, settings: Settings, series: Series, consumers: ConsumerSeries) -> None:
    """Keeps Grafana's annotations until cancelled; without Grafana it only acknowledges."""
    subjects = settings.service.subjects

    async def thread(id: str) -> str:
        try:
            answer = await request(bus, subjects.thread_link, ThreadQuery(id), ThreadLink, THREAD_SECONDS)
        except Unanswered:
            return ""
        return answer.url

    traces = crash.of_requests(aiohttp.TraceConfig, lambda verb, _: f"Grafana {verb}")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trace_configs=traces) as session:
        is_there = settings.grafana_url and settings.grafana_token
        grafana = Grafana(session, settings.grafana_url, settings.grafana_token) if is_there else None
        annotating = Annotating(bus=bus, subjects=subjects, grafana=grafana, thread=thread, count=series.annotated)
        await Consumer(
            bus,
            service="metrics",
            stream=subjects.stream("EVT"),
            durable="metrics-annotations",
            subjects=subjects,
            handler=annotating.event,
            capacity=ANNOTATIONS_AT_ONCE,
            series=consumers,
        ).run()


async def _answer(bus: Bus, settings: Settings, series: Series, asked: QuestionSeries) -> None:
    """Answers questions about the catalogue's metrics until cancelled."""
    subjects = settings.service.subjects
    traces = crash.of_requests(aiohttp.TraceConfig, lambda _, path: f"Prometheus {path.rpartition('/')[2]}")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trace_configs=traces) as session:
        figures = Figures(settings.metrics, _prometheus(session, settings), series)
        try:
            await serve(
                bus,
                name="metrics",
                version=version("opsloop-metrics"),
                description="Numbers about targets, from Prometheus",
                endpoints=(
                    endpoint("value", subjects.metric("value"), MetricQuery, figures.value),
                    endpoint("range", subjects.metric("range"), RangeQuery, figures.course),
                ),
                series=asked,
            )
        finally:
            await figures.close()


def _prometheus(session: aiohttp.ClientSession, settings: Settings) -> Prometheus | None:
    if not settings.prometheus_url:
        return None
    return Prometheus(
        session,
        settings.prometheus_url,
        token=settings.prometheus_token,
        deadline_seconds=settings.deadline_seconds,
    )


def _consumer(bus: Bus, subjects: Subjects, stream: str, handle: Handle, series: ConsumerSeries) -> Consumer:
    return Consumer(
        bus,
        service="metrics",
        stream=subjects.stream(stream),
        durable="metrics",
        subjects=subjects,
        handler=handle,
        capacity=AT_ONCE,
        series=series,
    )


if __name__ == "__main__":
    main()
