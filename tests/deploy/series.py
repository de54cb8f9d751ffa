"""The names of all series that our services export, as their code declares them, and those that come from elsewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from opsloop_dealership.ai_score_recompute import FIGURE

ROOT = Path(__file__).parents[2]
KINDS = {
    "Counter": Counter,
    "Gauge": Gauge,
    "Histogram": Histogram,
    "CounterMetricFamily": Counter,
    "GaugeMetricFamily": Gauge,
}
OF_PROMETHEUS = {"up"}
OF_DEALERS = {"gnn_arr_gain_by_dealer", "gnn_precision_by_dealer"}


def exported() -> set[str]:
    """Names as they stand on /metrics: a counter's with `_total`, a histogram's with `_bucket` and its sisters."""
    registry = CollectorRegistry()
    for kind, name in {*_declared(), ("Gauge", FIGURE)}:
        metric = KINDS[kind](name, "A name.", registry=registry)
        if isinstance(metric, Histogram):
            metric.observe(0)
    own = {sample.name for family in registry.collect() for sample in family.samples}
    return own | OF_PROMETHEUS | OF_DEALERS


def _declared() -> Iterator[tuple[str, str]]:
    for folder in ("libs", "services"):
        for path in (ROOT / folder).rglob("src/**/*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                yield from _metric(node)


def _metric(node: ast.AST) -> Iterator[tuple[str, str]]:
    """A call that makes a metric from a literal name."""
    match node:
        case ast.Call(func=ast.Name(id=kind), args=[ast.Constant(value=str(name)), *_]) if kind in KINDS:
            yield kind, name
