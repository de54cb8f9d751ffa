"""The series that tell whether messages get through."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_CALL_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 3, 5, 10)


class Measures:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "notifier_slack_calls_total", "Calls to Slack, by method and what came of them.", ["method", "result"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "notifier_slack_call_seconds", "How long calls to Slack took, by method.", ["method"], registry=registry,
            buckets=_CALL_BUCKETS,
        )  # fmt: skip
        self._delay = Histogram(
            "notifier_visible_delay_seconds", "From an event to its being visible in Slack.", registry=registry,
            buckets=_BUCKETS,
        )  # fmt: skip
        self.token_valid = Gauge(
            "opsloop_notifier_token_valid",
            "1 while Slack takes the bot token; else nothing is sent.",
            registry=registry,
        )
        self.partitions = Gauge("opsloop_notifier_partitions", "Partitions owned.", registry=registry)
        self.taken = Gauge(
            "opsloop_notifier_takeovers", "Partitions taken from somebody who had not given them up.", registry=registry
        )
        self._behind = Gauge(
            "opsloop_notifier_events_behind", "Events not yet read in the partitions owned.", registry=registry
        )
        self.owed = Gauge("notifier_owed", "Tasks and answers with something not visible yet.", registry=registry)

    def count(self, method: str, result: str, seconds: float) -> None:
        self._calls.labels(method, result.lower()).inc()
        self._seconds.labels(method).observe(seconds)

    def behind(self, events: int) -> None:
        self._behind.set(events)

    def observe(self, seconds: float) -> None:
        self._delay.observe(max(0.0, seconds))
