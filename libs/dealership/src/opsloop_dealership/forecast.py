"""Forecasts of a daily series: damped trend, with a weekly pattern where that helps. Pure.

Holt's linear method with a damped trend (Gardner and McKenzie, 1985), its three weights chosen by the smallest squared
one-step error on a small grid. The interval grows with the horizon as the method's own variance does (Hyndman et al.,
2008, class 1).
"""

import math
from collections.abc import Sequence
from itertools import product
from statistics import fmean

import msgspec

LEAST_DAYS = 14
WEEK = 7
LEAST_WEEKS = 3
Z80 = 1.2816
"""Of the normal distribution: an interval of 80 %."""
_LEVELS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
_TRENDS = (0.02, 0.05, 0.1, 0.2, 0.4)
_DAMPINGS = (0.8, 0.9, 0.95, 0.98)


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """The days ahead, with the ends of an 80 % interval. `weekly` is the pattern, Monday first, or empty."""

    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    weekly: tuple[float, ...] = ()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """How far off forecasts of the held-back end were, on average a day; `naive` says that nothing changes."""

    days: int
    error: float
    naive_error: float


class _Fit(msgspec.Struct, frozen=True):
    level: float
    trend: float
    alpha: float
    beta: float
    damping: float
    squared_error: float


def forecast(history: Sequence[float], ahead: int, first_weekday: int) -> Forecast:
    """The days ahead of a history without gaps. `first_weekday` is that of its first day, Monday is 0."""
    weekly = _weekly(history, first_weekday)
    plain = Forecast(values=(), low=(), high=())
    if weekly and _check(history, ahead, first_weekday, seasonal=True).error < (
        _check(history, ahead, first_weekday, seasonal=False).error
    ):
        plain = msgspec.structs.replace(plain, weekly=weekly)
    return _project(history, ahead, first_weekday, plain.weekly)


def check(history: Sequence[float], ahead: int, first_weekday: int) -> Check:
    """The method as `forecast` would choose it, on all but the end of the history, against that end."""
    both = [_check(history, ahead, first_weekday, seasonal=seasonal) for seasonal in (False, True)]
    return min(both, key=lambda one: one.error)


def _check(history: Sequence[float], ahead: int, first_weekday: int, *, seasonal: bool) -> Check:
    held_back = max(1, min(ahead, len(history) // 5))
    known, end = history[:-held_back], history[-held_back:]
    weekly = _weekly(known, first_weekday) if seasonal else ()
    found = _project(known, held_back, first_weekday, weekly).values
    return Check(
        days=held_back,
        error=fmean(abs(one - other) for one, other in zip(found, end, strict=True)),
        naive_error=fmean(abs(known[-1] - value) for value in end),
    )


def _project(history: Sequence[float], ahead: int, first_weekday: int, weekly: tuple[float, ...]) -> Forecast:
    season = [_of_day(weekly, first_weekday + day) for day in range(len(history) + ahead)]
    fit = _fitted([value - part for value, part in zip(history, season, strict=False)])
    values, widths = [], []
    damped, variance = 0.0, 0.0
    sigma = math.sqrt(fit.squared_error / max(1, len(history) - 1))
    for day in range(1, ahead + 1):
        widths.append(Z80 * sigma * math.sqrt(1 + variance))
        damped += fit.damping**day
        variance += (fit.alpha + fit.alpha * fit.beta * damped) ** 2
        values.append(fit.level + damped * fit.trend + season[len(history) + day - 1])
    return Forecast(
        values=tuple(values),
        low=tuple(value - width for value, width in zip(values, widths, strict=True)),
        high=tuple(value + width for value, width in zip(values, widths, strict=True)),
        weekly=weekly,
    )


def _fitted(values: Sequence[float]) -> _Fit:
    fits = (_smoothed(values, *weights) for weights in product(_LEVELS, _TRENDS, _DAMPINGS))
    return min(fits, key=lambda fit: fit.squared_error)


def _smoothed(values: Sequence[float], alpha: float, beta: float, damping: float) -> _Fit:
    first = values[: min(5, len(values))]
    level, trend = values[0], (first[-1] - first[0]) / max(1, len(first) - 1)
    squared = 0.0
    for value in values[1:]:
        expected = level + damping * trend
        error = value - expected
        squared += error * error
        level, trend = expected + alpha * error, damping * trend + alpha * beta * error
    return _Fit(level, trend, alpha, beta, damping, squared)


def _weekly(history: Sequence[float], first_weekday: int) -> tuple[float, ...]:
    """What each weekday adds to the mean of the seven days around it; empty for too short a history."""
    if len(history) < LEAST_WEEKS * WEEK:
        return ()
    beside: list[list[float]] = [[] for _ in range(WEEK)]
    for day in range(3, len(history) - 3):
        beside[(first_weekday + day) % WEEK].append(history[day] - fmean(history[day - 3 : day + 4]))
    means = [fmean(found) if found else 0.0 for found in beside]
    centre = fmean(means)
    return tuple(mean - centre for mean in means)


def _of_day(weekly: tuple[float, ...], day: int) -> float:
    return weekly[day % WEEK] if weekly else 0.0
