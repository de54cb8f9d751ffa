"""What ingress counts. Every label comes from a closed list, so nobody outside can make new series."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from opsloop_common.service import QuestionSeries

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5)


class Counters:
    """All metrics of this service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ingress_requests",
            "Requests by what became of them: accepted (stored), answered (with a form, or with what is wrong in one), "
            "ignored, refused, unavailable, broken.",
            ("kind", "outcome"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "ingress_request_seconds",
            "From the first header to the answer.",
            ("kind",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.refused = Counter("ingress_refused", "Refused requests by reason.", ("reason",), registry=self.registry)
        self.unavailable = Counter(
            "ingress_unavailable",
            "Requests answered 503 or not acknowledged: busy, no broker, refused or unconfirmed by it, stopping.",
            ("reason",),
            registry=self.registry,
        )
        self.unknowns = Counter(
            "ingress_unknown_commands",
            "Commands answered with a failure while nobody knew whether they were stored: stored after all, dropped.",
            ("outcome",),
            registry=self.registry,
        )
        self.unknown = Gauge(
            "ingress_unknown_commands_now", "Commands that are sent again until it is known.", registry=self.registry
        )
        self.ignored = Counter(
            "ingress_ignored", "Requests that ask for nothing, by what they are.", ("what",), registry=self.registry
        )
        self.forms = Counter(
            "ingress_forms",
            "Forms by step (open, check) and outcome: opened, refused, fine, mistakes, no_answer.",
            ("step", "outcome"),
            registry=self.registry,
        )
        self.sockets = Gauge("ingress_slack_sockets", "Open Socket Mode connections.", registry=self.registry)
        self.in_flight = Gauge("ingress_requests_in_flight", "Requests being handled.", registry=self.registry)
        self.questions = QuestionSeries(self.registry)
        self.identity_lookups = Counter(
            "identity_lookups",
            "Answers to who somebody is, by the source that had the last word (slack, clerk, list, memory, none) and "
            "by what it was: verified, or the reason why not.",
            ("source", "outcome"),
            registry=self.registry,
        )
        self.identity_seconds = Histogram(
            "identity_lookup_seconds",
            "From a question about a person to its answer, answers from memory left out.",
            buckets=_SECONDS,
            registry=self.registry,
        )
