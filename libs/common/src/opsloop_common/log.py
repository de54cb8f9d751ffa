"""Logs: one JSON object a line on standard error, without secrets."""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from importlib.metadata import version
from typing import Any

import structlog

from opsloop_common import tracing
from opsloop_common.redact import Redactor


def fields(**values: str) -> AbstractContextManager[None]:
    """Every line that is logged inside, by whatever is called there, carries these: task, request, actor."""
    return structlog.contextvars.bound_contextvars(**values)


def set_up(service: str, level: str, redactor: Redactor) -> None:
    """Sends the standard library's logging through one JSON formatter. Called once, by `__main__`."""

    running = version(f"opsloop-{service}")

    def name_service(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": service, "version": running, **event}

    def name_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        trace_id, span_id = tracing.ids()
        return {**event, "trace_id": trace_id, "span_id": span_id} if trace_id else event

    def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: redactor(value) if isinstance(value, str) else value for key, value in event.items()}

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                name_trace,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                name_service,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
