"""The forecast as a task: what it says of long, short, broken and missing histories."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from integration.dealership.fake_run import FakeRun
from opsloop_common.measures import MeasureState, Point, Series
from opsloop_common.task import Target, TaskFailed
from opsloop_dealership.arr_forecast import arr_forecast

START = datetime(2026, 1, 5, tzinfo=UTC)


def run_with(values: list[float], state: MeasureState = "value", days: str = "30") -> FakeRun:
    run = FakeRun(Target(name="naples-honda", title="Naples Honda"))
    points = tuple(Point(START + timedelta(days=day), value) for day, value in enumerate(values))
    run.courses = {"arr_gain": Series(metric="arr_gain", state=state, points=points)}
    run.params = {"days": days}
    return run


async def test_a_long_history_is_forecast_with_its_error() -> None:
    """A value with its interval, how such forecasts did, and a course that can be drawn."""
    run = run_with([5000 + 20 * day + (400 if day % 7 == 5 else 0) for day in range(90)])
    result = await arr_forecast(run)
    assert result.summary.startswith("ARR gain of Naples Honda on 04 May 2026: $")
    assert "80 % sure: between $" in result.highlights[0]
    assert "Tried on the last 18 days" in result.highlights[1]
    assert result.highlights[3].startswith("Weekly pattern: highest on Saturday")
    assert result.trend is not None
    assert len(result.trend.values) <= 60
    assert result.trend.forecast == 15
    assert run.steps_run == ["History read", "Forecast checked", "Forecast made"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "there is none"),
        ([4.0], "forecast: 1 day,"),
        ([4.0] * 13, "forecast: 13 days,"),
        ([math.nan] * 30, "there is none"),
    ],
)
async def test_too_little_history_is_said(values: list[float], said: str) -> None:
    """An honest result, not a failure, and not a guess."""
    result = await arr_forecast(run_with(values))
    assert said in result.summary
    assert "14 days are needed" in result.summary
    assert result.trend is None


async def test_gaps_are_filled_and_told() -> None:
    """Points that are no numbers leave gaps; a constant is forecast as itself."""
    result = await arr_forecast(run_with([math.nan if day in (3, 4, 20) else 500.0 for day in range(40)], days="7"))
    assert "500.00" in result.summary
    assert "3 of them filled in" in result.highlights[2]
    assert any("3 points were no numbers" in line for line in result.lines)


async def test_without_prometheus_it_fails_and_says_what_to_check() -> None:
    """Nobody answered: that is not the same as no history."""
    with pytest.raises(TaskFailed, match="PROMETHEUS_URL"):
        await arr_forecast(run_with([], "unavailable"))
    assert "there is none" in (await arr_forecast(run_with([], "no_data"))).summary


@pytest.mark.parametrize(("key", "value"), [("history_days", "many"), ("history_days", 3), ("metric", 7)])
async def test_a_malformed_setting_is_named(key: str, value: object) -> None:
    """With its place in the catalogue."""
    run = run_with([1.0] * 30)
    run.settings = {key: value}
    with pytest.raises(TaskFailed, match=rf"tasks\.arr_forecast\.settings\.{key}"):
        await arr_forecast(run)
