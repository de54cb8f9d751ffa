"""The metrics of the shipped catalogue, asked of any Prometheus."""

from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry

from opsloop_common import catalogue
from opsloop_common.measures import MetricQuery, RangeQuery
from opsloop_metrics.figures import Figures
from opsloop_metrics.measure import Running
from opsloop_metrics.prometheus import Prometheus
from opsloop_metrics.series import Series

SHIPPED = catalogue.load(Path(__file__).parents[3] / "opsloop.toml").metrics


def figures(
    session: aiohttp.ClientSession, url: str, *, deadline_seconds: float = 2, registry: CollectorRegistry | None = None
) -> Figures:
    series = Series(registry or CollectorRegistry(), Running())
    return Figures(SHIPPED, Prometheus(session, url, deadline_seconds=deadline_seconds), series)


def gain(target: str) -> MetricQuery:
    return MetricQuery(metric="arr_gain", target=target)


def gain_over(target: str, seconds: float = 60, step_seconds: float = 15) -> RangeQuery:
    return RangeQuery(metric="arr_gain", target=target, seconds=seconds, step_seconds=step_seconds)
