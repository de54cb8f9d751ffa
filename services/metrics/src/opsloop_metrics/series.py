"""The series as Prometheus scrapes them."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from opsloop_metrics.measure import Answered, Asked, Ended, Running

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
        self._actions = Counter("slack_actions_total", "What people asked", ("type", "outcome"), registry=registry)
        self._answers = Counter("slack_answers_total", "Answers given", ("answer", "reason"), registry=registry)

    def watch(self, task: str) -> None:
        """From now on the gauge shows this task, also at zero."""
        self._now.labels(task).set_function(lambda: self._running.count(task))

    def add(self, measured: Ended | Asked | Answered) -> None:
        match measured:
            case Ended(task, outcome, seconds):
                self._runs.labels(task, outcome).inc()
                if seconds is not None:
                    self._seconds.labels(task).observe(seconds)
            case Asked(type_, outcome):
                self._actions.labels(type_, outcome).inc()
            case Answered(answer, reason):
                self._answers.labels(answer, reason).inc()
