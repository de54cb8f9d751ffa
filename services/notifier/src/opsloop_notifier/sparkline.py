"""A trend drawn small, in text, and what it shows in words: where it began, where it is, its lowest and highest."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from opsloop_common.measures import TREND_VALUES_AT_MOST, Point, Trend
from opsloop_common.quantities import amount
from opsloop_notifier import naming, words
from opsloop_notifier.style import Style

_CELLS = "▁▂▃▄▅▆▇█"
_NO_VALUE = "·"
_FORECAST_MARK = "┊"
_DAYS_MATTER_FROM = timedelta(days=2)


def lines(trend: Trend, style: Style) -> list[str]:
    """The title, the drawing and one or two sentences; nothing for a trend without a value. A section holds them."""
    points = _points(trend)
    if not any(math.isfinite(point.value) for point in points):
        return []
    known = max(0, len(points) - max(0, trend.forecast))
    drawing = draw([point.value for point in points], len(points) - known)
    return [
        f"*{style.pen.line(trend.title, naming.LONGEST)}*",
        f"`{drawing}`",
        *_sentences(trend, points[:known], points[known:]),
    ]


def draw(values: Sequence[float], forecast: int = 0) -> str:
    """One cell a value, scaled from the lowest to the highest; `┊` stands before the last `forecast` of them.

    At most sixty characters: what is older is left out. Values that are all equal are a line at half height.
    """
    shown = list(values)[-(TREND_VALUES_AT_MOST - (1 if forecast > 0 else 0)) :]
    finite = [value for value in shown if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    cells = [_cell(value, low, high) for value in shown]
    if forecast > 0:
        cells.insert(max(0, len(cells) - forecast), _FORECAST_MARK)
    return "".join(cells)


def _cell(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return _NO_VALUE
    # Halves, because the span of two floats can be more than a float.
    span = high / 2 - low / 2
    if span <= 0:
        return _CELLS[len(_CELLS) // 2 - 1]
    return _CELLS[min(len(_CELLS) - 1, int((value / 2 - low / 2) / span * len(_CELLS)))]


def _points(trend: Trend) -> list[Point]:
    """The values with their times."""
    steps = max(1, len(trend.values) - 1)
    span = trend.ends_at - trend.begins_at
    return [Point(trend.begins_at + span * index / steps, value) for index, value in enumerate(trend.values)]


def _sentences(trend: Trend, known: Sequence[Point], forecast: Sequence[Point]) -> list[str]:
    is_long = trend.ends_at - trend.begins_at >= _DAYS_MATTER_FROM
    told = [_course("", known, trend, is_long=is_long), _course("Forecast: ", forecast, trend, is_long=is_long)]
    return [sentence for sentence in told if sentence]


def _course(what: str, points: Sequence[Point], trend: Trend, *, is_long: bool) -> str:
    finite = [point for point in points if math.isfinite(point.value)]
    if not finite:
        return ""
    first, last = finite[0], finite[-1]
    low, high = (extreme(finite, key=lambda point: point.value) for extreme in (min, max))

    def shown(point: Point) -> str:
        return f"{amount(point.value, trend.unit)} ({_when(point.at, is_long=is_long)})"

    if first is last:
        return f"{what}{shown(first)}."
    if low.value == high.value:
        return f"{what}first {shown(first)}, last {shown(last)}, no change in between."
    return f"{what}first {shown(first)}, last {shown(last)}; low {shown(low)}, high {shown(high)}."


def _when(at: datetime, *, is_long: bool) -> str:
    return words.day(at) if is_long else words.moment(at)
