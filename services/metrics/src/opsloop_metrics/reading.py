"""What Prometheus answered: bytes in, numbers out. Pure.

NaN and infinities are no data. So are several series: a template that matches more than one asks for something else
than it should, and any of them would be a wrong number.
"""

import math
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from opsloop_common.measures import Point
from opsloop_metrics.promql import PART

T = TypeVar("T")


class Unreadable(ValueError):
    """This is not an answer of Prometheus to such a query."""


class Reading(msgspec.Struct, frozen=True):
    """The newest value and the time of its sample."""

    value: float
    at: datetime


class Nothing(msgspec.Struct, frozen=True):
    """No data. `reason` is set where the template is to blame."""

    reason: str = ""


class Complaint(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a refusal."""

    error_type: str = ""
    error: str = ""


class _Sample(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    at: float
    value: str


class _OneSample(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    value: _Sample


class _ManySamples(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    values: list[_Sample]


class _Vector(msgspec.Struct, frozen=True, tag_field="resultType", tag="vector"):
    result: list[_OneSample]


class _Matrix(msgspec.Struct, frozen=True, tag_field="resultType", tag="matrix"):
    result: list[_ManySamples]


class _Instant(msgspec.Struct, frozen=True):
    data: _Vector


class _Range(msgspec.Struct, frozen=True):
    data: _Matrix


def newest(body: bytes) -> Reading | Nothing:
    """The answer to a timed instant query. Raises Unreadable."""
    result = _decoded(body, _Instant).data.result
    values = [one.value for one in result if one.metric.get(PART) == "value"]
    times = [one.value for one in result if one.metric.get(PART) == "at"]
    if not result:
        return Nothing()
    if len(values) > 1:
        return _several(len(values))
    if len(values) != 1 or len(times) != 1:
        raise Unreadable("a value without its time")
    value = _number(values[0].value)
    return Reading(value, _time(_number(times[0].value))) if math.isfinite(value) else Nothing()


def course(body: bytes) -> tuple[Point, ...] | Nothing:
    """The answer to a range query, without the points that are no numbers. Raises Unreadable."""
    result = _decoded(body, _Range).data.result
    if len(result) > 1:
        return _several(len(result))
    points = tuple(
        Point(_time(sample.at), value)
        for series in result
        for sample in series.values
        if math.isfinite(value := _number(sample.value))
    )
    return points or Nothing()


def complaint(body: bytes) -> Complaint:
    """Why Prometheus refused; empty where somebody else did, in words of their own."""
    try:
        return msgspec.json.decode(body, type=Complaint)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Complaint()


def _several(count: int) -> Nothing:
    return Nothing(f"{count} series match where one is wanted: the catalogue's query must aggregate or select")


def _decoded(body: bytes, struct: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=struct)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"not an answer of Prometheus: {error}") from error


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Unreadable(f"{text[:40]!r} is not a number") from error


def _time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable(f"{seconds!r} is not a time") from error
