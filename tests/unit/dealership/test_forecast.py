"""Forecasts of series whose course is known."""

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest

from opsloop_common.measures import Point
from opsloop_dealership.daily import daily
from opsloop_dealership.forecast import check, forecast

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


def points(values: list[float], skip: tuple[int, ...] = ()) -> list[Point]:
    return [Point(START + timedelta(days=day), value) for day, value in enumerate(values) if day not in skip]


def test_a_trend_goes_on_and_slows_down() -> None:
    """The next days rise, each by less than the day before."""
    found = forecast([100 + 5 * day for day in range(60)], 20, 0).values
    steps = [after - before for before, after in itertools.pairwise(found)]
    assert 395 <= found[0] <= 405
    assert all(step > 0 for step in steps)
    assert steps[-1] < steps[0]


def test_a_weekly_pattern_is_found_where_there_is_one() -> None:
    """Weekends are high in the forecast as in the history; a series without a pattern gets none."""
    wave = [100 + (30 if day % 7 in (5, 6) else 0) for day in range(70)]
    found = forecast(wave, 14, 0)
    assert found.weekly
    assert found.values[5] - found.values[2] > 20
    assert forecast([100.0 + day for day in range(70)], 14, 0).weekly == ()
    assert forecast([100 + (30 if day % 7 in (5, 6) else 0) for day in range(15)], 7, 0).weekly == ()


def test_the_interval_grows_and_holds_the_forecast() -> None:
    """The farther ahead, the less is known."""
    noisy = [100 + 10 * math.sin(day * 1.7) + 6 * math.cos(day * 3.1) for day in range(60)]
    found = forecast(noisy, 30, 0)
    widths = [high - low for low, high in zip(found.low, found.high, strict=True)]
    assert widths[0] > 0
    assert widths == sorted(widths)
    assert all(low < value < high for low, value, high in zip(found.low, found.values, found.high, strict=True))


def test_the_check_knows_nothing_of_the_end() -> None:
    """A break in the held-back end shows as an error of its size."""
    found = check([100.0] * 40 + [200.0] * 10, 10, 0)
    assert (found.days, found.naive_error) == (10, 100.0)
    assert found.error == pytest.approx(100, abs=1)
    assert check([100 + 5 * day for day in range(60)], 10, 0).error < 10


@pytest.mark.parametrize("value", [0.0, 7.5, -300.0])
def test_a_constant_stays(value: float) -> None:
    """Zero and negative ones too, with no doubt at all."""
    found = forecast([value] * 30, 10, 0)
    assert found.values == pytest.approx([value] * 10)
    assert found.low == found.high


def test_days_are_means_and_gaps_are_lines() -> None:
    """What is no number is left out; a missing day lies between its neighbours."""
    found = daily([*points([10, 20, math.nan, 40], skip=()), Point(START + timedelta(hours=12), 30.0)])
    assert found.values == (20.0, 20.0, 30.0, 40.0)
    assert (found.known, found.gaps, found.unusable) == (3, 1, 1)


@pytest.mark.parametrize("values", [[], [math.nan, math.inf]])
def test_nothing_usable_is_nothing(values: list[float]) -> None:
    """No day, no value."""
    assert daily(points(values)).values == ()
