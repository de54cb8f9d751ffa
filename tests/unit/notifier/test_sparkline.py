"""A trend drawn in text, and told in words."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsloop_common.measures import Trend
from opsloop_notifier import sparkline
from opsloop_notifier.sparkline import draw
from unit.notifier.states import START, STYLE

TREND = Trend(
    title="ARR", unit="usd", values=(10.0, 40.0, 5.0, 20.0), begins_at=START, ends_at=START + timedelta(days=3)
)


@pytest.mark.parametrize(
    ("values", "forecast", "drawing"),
    [
        ((0, 1, 2, 3, 4, 5, 6, 7), 0, "▁▂▃▄▅▆▇█"),
        ((0, 7), 0, "▁█"),
        ((0, 7, 0, 7), 2, "▁█┊▁█"),
        ((3, 3, 3), 0, "▄▄▄"),
        ((-1.0,), 0, "▄"),
        ((0, float("nan"), 7), 0, "▁·█"),
        ((-1.7e308, 1.7e308), 0, "▁█"),
        ((), 0, ""),
    ],
)
def test_each_value_is_a_cell_between_the_lowest_and_the_highest(
    values: tuple[float, ...], forecast: int, drawing: str
) -> None:
    """Scaled to the values themselves; the forecast is set apart; no number at all is a gap."""
    assert draw(values, forecast) == drawing


@given(st.lists(st.floats(), max_size=200), st.integers(-5, 250))
def test_a_drawing_is_never_longer_than_sixty(values: list[float], forecast: int) -> None:
    """Whatever the values."""
    assert len(draw(values, forecast)) <= 60


def test_a_trend_is_told_with_its_ends_and_extremes() -> None:
    """First, last, low and high, each with its unit and its day."""
    title, drawing, told = sparkline.lines(TREND, STYLE)
    assert (title, drawing) == ("*ARR*", "`▂█▁▄`")
    shown = [
        f"{value} ({day(number)})" for value, number in (("$10.00", 0), ("$20.00", 3), ("$5.00", 2), ("$40.00", 1))
    ]
    assert told == f"first {shown[0]}, last {shown[1]}; low {shown[2]}, high {shown[3]}."


def day(number: int) -> str:
    at = START + timedelta(days=number)
    return f"<!date^{int(at.timestamp())}^{{date_short}}|{at:%Y-%m-%d}>"


def test_a_forecast_is_told_apart() -> None:
    """What has not happened yet is no low or high of what has."""
    _, drawing, told, forecast = sparkline.lines(msgspec.structs.replace(TREND, forecast=2), STYLE)
    assert drawing == "`▂█┊▁▄`"
    assert "$5.00" not in told
    assert forecast.startswith(f"Forecast: first $5.00 ({day(2)}), last $20.00 ({day(3)})")


def test_a_constant_series_is_said_to_be_one() -> None:
    """No low and no high where all is the same."""
    told = sparkline.lines(msgspec.structs.replace(TREND, values=(5.0,) * 30), STYLE)[-1]
    assert told == f"first $5.00 ({day(0)}), last $5.00 ({day(3)}), no change in between."


def test_a_short_trend_has_times() -> None:
    """Within a day the day says nothing."""
    told = sparkline.lines(msgspec.structs.replace(TREND, ends_at=START + timedelta(hours=1)), STYLE)[-1]
    assert "{time}" in told


def test_a_trend_without_values_is_not_drawn() -> None:
    """Nothing at all instead of an empty frame."""
    assert sparkline.lines(msgspec.structs.replace(TREND, values=()), STYLE) == []
    assert sparkline.lines(msgspec.structs.replace(TREND, values=(float("inf"),)), STYLE) == []
