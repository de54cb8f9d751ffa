"""What a service tells of its consumers: how much waits, what became of messages, how long handling took."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


class ConsumerSeries:
    """The series of all consumers of a process, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["stream", "consumer"]
        self._lag = Gauge(
            "opsloop_consumer_lag_messages",
            "Messages stored and not yet delivered to the consumer",
            labels,
            registry=registry,
        )
        self._handled = Counter(
            "opsloop_messages_handled", "Messages by what became of them", [*labels, "outcome"], registry=registry
        )
        self._seconds = Histogram(
            "opsloop_message_handling_seconds",
            "From delivery to outcome",
            labels,
            registry=registry,
            buckets=BUCKETS,
        )

    def arrived(self, stream: str, consumer: str, waiting: int) -> None:
        self._lag.labels(stream, consumer).set(waiting)

    def handled(self, stream: str, consumer: str, outcome: str, seconds: float) -> None:
        self._handled.labels(stream, consumer, outcome).inc()
        self._seconds.labels(stream, consumer).observe(seconds)
