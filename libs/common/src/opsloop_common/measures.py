"""Numbers about targets: what is asked of the metrics service, and what it answers."""

from datetime import datetime
from typing import Literal

import msgspec

MeasureState = Literal["value", "no_data", "unavailable"]
Unit = Literal["usd", "ratio", "number"]


class Measure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number about a target, or that there is none: `no_data` is not 0, and `unavailable` is not `no_data`.

    `at` is the time of the sample; `value` counts only in the state "value".
    """

    metric: str
    title: str
    unit: Unit
    state: MeasureState
    value: float = 0.0
    at: datetime | None = None


class MetricQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the newest value of one of the catalogue's metrics for a target."""

    metric: str
    target: str


class RangeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for a metric over the last `seconds`, one point every `step_seconds`."""

    metric: str
    target: str
    seconds: float
    step_seconds: float


class Point(msgspec.Struct, frozen=True, array_like=True):
    at: datetime
    value: float


class Series(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a RangeQuery; points in order of time, empty unless the state is "value"."""

    metric: str
    state: MeasureState
    points: tuple[Point, ...] = ()


class Trend(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The course of a number, to be drawn small: values in order of time, evenly spaced, at most 60.

    The last `forecast` of them have not happened yet.
    """

    title: str
    unit: Unit
    values: tuple[float, ...]
    begins_at: datetime
    ends_at: datetime
    forecast: int = 0


TREND_VALUES_AT_MOST = 60
