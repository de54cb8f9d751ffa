"""Trace contexts: handed on as they are, never taken from what is none."""

import json
import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from opsloop_common import log, tracing
from opsloop_common.redact import Redactor

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_outside_of_a_trace_nothing_is_handed_on() -> None:
    """No header, no ids."""
    assert (tracing.current(), tracing.headers(), tracing.ids()) == ("", {}, ("", ""))


def test_without_the_sdk_the_context_goes_on_as_it_came() -> None:
    """Through as many spans as there are."""
    with tracing.span("a", PARENT), tracing.span("b"):
        assert tracing.current() == PARENT
    assert tracing.current() == ""


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "x",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + "0",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "\ud800",
        PARENT + "\n",
    ],
)
def test_what_is_no_context_counts_as_none(parent: str) -> None:
    """It comes from outside."""
    with tracing.span("a", parent):
        assert tracing.current() == ""


def test_a_trace_that_begins_is_new_each_time() -> None:
    """Two clicks are two traces."""
    found = set()
    for _ in range(2):
        with tracing.begun("click"):
            found.add(tracing.ids()[0])
    assert len(found - {""}) == 2


def test_with_the_sdk_spans_are_children_of_where_they_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process's span is the parent of ours."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("opsloop"))
    with tracing.begun("click"):
        handed_on = tracing.current()
    with tracing.span("process", handed_on):
        pass
    click, process = exporter.get_finished_spans()
    assert process.parent is not None
    assert click.context is not None
    assert process.parent.span_id == click.context.span_id
    assert process.parent.trace_id == click.context.trace_id


def test_every_log_line_tells_trace_task_and_actor(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever logs inside need not know them; secrets in them are masked all the same."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        log.set_up("ingress", "info", Redactor(("a-secret-value",)))
        with tracing.span("a", PARENT), log.fields(task="07-x", actor="a-secret-value"):
            logging.getLogger("somewhere").info("done")
        logging.getLogger("somewhere").info("outside")
    finally:
        root.handlers[:], root.level = before
    inside, outside = map(json.loads, capsys.readouterr().err.splitlines())
    assert (inside["trace_id"], inside["task"]) == ("0af7651916cd43dd8448eb211c80319c", "07-x")
    assert (inside["service"], inside["actor"], inside["event"]) == ("ingress", "[redacted]", "done")
    assert inside["version"]
    assert not {"trace_id", "task"} & outside.keys()
