"""The series as Prometheus scrapes them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from opsloop_metrics.measure import Answered, Ended, Running

QUERY_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
DURATION_BUCKETS_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Series:
    """Counters of this process, registered once."""

    def __init__(self, registry: CollectorRegistry, running: Running) -> None:
        self._running = running
        self._runs = Counter("task_runs_total", "Attempts that ended", ("task", "outcome"), registry=registry)
        self._now = Gauge("task_running", "Tasks running now; sum over replicas", ("task",), registry=registry)
        self._seconds = Histogram(
            "task_duration_seconds",
            "From an attempt's start to its end",
            ("task",),
            registry=registry,
            buckets=DURATION_BUCKETS_SECONDS,
        )
        self._answers = Counter("slack_answers_total", "Answers given", ("answer", "reason"), registry=registry)
        self._queries = Counter(
            "metrics_queries_total", "Questions answered, by outcome", ("metric", "outcome"), registry=registry
        )
        self._query_seconds = Histogram(
            "metrics_query_seconds",
            "What Prometheus took; remembered answers take none",
            ("metric",),
            registry=registry,
            buckets=QUERY_BUCKETS_SECONDS,
        )

        self._annotations = Counter(
            "opsloop_annotations", "Annotations in Grafana, by what became of them", ("result",), registry=registry
        )

    def annotated(self, result: str) -> None:
        """An attempt's annotation was posted, patched, adopted, left as it is, put off or given up."""
        self._annotations.labels(result).inc()

    def watch(self, task: str) -> None:
        """From now on the gauge shows this task, also at zero."""
        self._now.labels(task).set_function(lambda: self._running.count(task))

    def add(self, measured: Ended | Answered) -> None:
        match measured:
            case Ended(task, outcome, seconds):
                self._runs.labels(task, outcome).inc()
                if seconds is not None:
                    self._seconds.labels(task).observe(seconds)
            case Answered(answer, reason):
                self._answers.labels(answer, reason).inc()

    def queried(self, metric: str, outcome: str) -> None:
        """A question was answered. `metric` is a name of the catalogue, or empty."""
        self._queries.labels(metric, outcome).inc()

    @contextmanager
    def timing(self, metric: str) -> Iterator[None]:
        """Times one query to Prometheus, also one that fails."""
        started_at = time.monotonic()
        try:
            yield
        finally:
            self._query_seconds.labels(metric).observe(time.monotonic() - started_at)
