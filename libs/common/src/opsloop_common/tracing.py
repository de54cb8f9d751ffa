"""One click is one trace: a W3C trace context goes with every message, from the request to the answer in the channel.

Spans are OpenTelemetry's; without its SDK they cost next to nothing and only the context is handed on, so that every
log line of a click has the same trace id. With the SDK installed (the extra `otel`) and OTEL_EXPORTER_OTLP_ENDPOINT
set, they are exported. Names of spans hold kinds, never ids.

https://www.w3.org/TR/trace-context/
"""

import contextlib
import importlib
import logging
import re
import secrets
from collections.abc import Iterator, Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

log = logging.getLogger(__name__)

HEADER = "traceparent"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PLAUSIBLE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("opsloop")


def set_up(service: str, variables: Mapping[str, str]) -> None:
    """Exports spans, where that is asked for. Called once, by `__main__`; says so when it cannot be done."""
    if not variables.get(ENDPOINT):
        return
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        exporter = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        log.error("%s is set, and spans cannot be exported: install opsloop-common[otel] (%s)", ENDPOINT, error)
        return
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": f"opsloop-{service}"}))
    provider.add_span_processor(export.BatchSpanProcessor(exporter.OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def current() -> str:
    """The context of what is going on now, as a header says it; empty outside of any trace."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(HEADER, "")


def headers() -> dict[str, str]:
    """The same as headers of a request; empty outside of any trace."""
    found = current()
    return {HEADER: found} if found else {}


def ids() -> tuple[str, str]:
    """The ids of the trace and of the span, for a log line; empty outside of any trace."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return "", ""
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


@contextlib.contextmanager
def span(name: str, parent: str = "", **attributes: str) -> Iterator[None]:
    """What happens inside is a part of the trace that `parent` names; without one, of the trace that goes on.

    A parent that is no trace context counts as none: it comes from outside.
    """
    with _tracer.start_as_current_span(name, _context(parent), attributes=attributes):
        yield


@contextlib.contextmanager
def begun(name: str, **attributes: str) -> Iterator[None]:
    """What happens inside is a trace of its own."""
    with span(name, f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01", **attributes):
        yield


def _context(parent: str) -> Context | None:
    return _propagator.extract({HEADER: parent}) if _PLAUSIBLE.fullmatch(parent) else None
