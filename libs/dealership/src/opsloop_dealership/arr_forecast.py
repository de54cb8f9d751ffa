"""The task "Run ARR Forecast": forecasts a dealer's ARR gain from its history, and says how good such forecasts are."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from opsloop_common.measures import TREND_VALUES_AT_MOST, Trend
from opsloop_common.task import Result, Run, TaskFailed
from opsloop_dealership.daily import Daily, daily
from opsloop_dealership.forecast import LEAST_DAYS, Check, Forecast, check, forecast

DAY_SECONDS = 86_400.0
DEFAULT_HISTORY_DAYS = 90
MOST_HISTORY_DAYS = 730
DEFAULT_METRIC = "arr_gain"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """None where there is too little history."""

    check: Check | None = None


class Projected(msgspec.Struct, frozen=True, kw_only=True):
    forecast: Forecast | None = None


async def arr_forecast(run: Run) -> Result:
    """Reads only, so it may run however often."""
    metric, history_days = _settings(run)
    ahead = int(float(run.params.get("days") or 30))

    async def read() -> Daily:
        series = await run.series(metric, seconds=history_days * DAY_SECONDS, step_seconds=DAY_SECONDS)
        if series.state == "unavailable":
            raise TaskFailed(
                "metric_unavailable",
                f"The history of {metric} could not be read at {{step}}: nobody answered for Prometheus in time. "
                "Check PROMETHEUS_URL and the metrics service, then retry.",
            )
        found = daily(series.points)
        run.log(f"{found.known} days of {metric}, {found.gaps} filled in between, {found.unusable} points unusable")
        return found

    history = await run.step("History read", 30, read)
    is_enough = history.known >= LEAST_DAYS
    weekday = history.first.weekday() if history.first else 0

    async def verify() -> Checked:
        if not is_enough:
            return Checked()
        found = await asyncio.to_thread(check, history.values, ahead, weekday)
        run.log(f"off by {found.error:,.2f} a day over the last {found.days} days; no change: {found.naive_error:,.2f}")
        return Checked(check=found)

    checked = await run.step("Forecast checked", 60, verify)

    async def project() -> Projected:
        if not is_enough:
            return Projected()
        return Projected(forecast=await asyncio.to_thread(forecast, history.values, ahead, weekday))

    projected = await run.step("Forecast made", 85, project)
    if history.first is None or checked.check is None or projected.forecast is None:
        return _too_little(history)
    return _result(run.target.title, history, history.first, checked.check, projected.forecast)


def _settings(run: Run) -> tuple[str, int]:
    metric, days = run.settings.get("metric", DEFAULT_METRIC), run.settings.get("history_days", DEFAULT_HISTORY_DAYS)
    if not isinstance(metric, str) or not metric:
        raise _malformed("metric", "the name of a metric of the catalogue")
    if isinstance(days, bool) or not isinstance(days, int) or not LEAST_DAYS <= days <= MOST_HISTORY_DAYS:
        raise _malformed("history_days", f"a whole number from {LEAST_DAYS} to {MOST_HISTORY_DAYS}")
    return metric, days


def _malformed(key: str, wanted: str) -> TaskFailed:
    sentence = f"The catalogue's tasks.arr_forecast.settings.{key} must be {wanted}. Mend it, then retry."
    return TaskFailed("setting_malformed", sentence)


def _too_little(history: Daily) -> Result:
    have = "there is none" if not history.known else f"{history.known} day{'' if history.known == 1 else 's'}"
    notes = (f"{history.unusable} points were no numbers",) if history.unusable else ()
    return Result(summary=f"Not enough history to forecast: {have}, and {LEAST_DAYS} days are needed", lines=notes)


def _result(title: str, history: Daily, first: date, checked: Check, found: Forecast) -> Result:
    ahead = len(found.values)
    last = first + timedelta(days=len(history.values) - 1)
    end = last + timedelta(days=ahead)
    better = "better than" if checked.error < checked.naive_error else "no better than"
    filled = f", {history.gaps} of them filled in" if history.gaps else ""
    return Result(
        summary=f"ARR gain of {title} on {end:%d %B %Y}: {_usd(found.values[-1])}, and {_usd(history.values[-1])} now",
        highlights=(
            f"80 % sure: between {_usd(found.low[-1])} and {_usd(found.high[-1])}",
            f"Tried on the last {checked.days} days: off by {_usd(checked.error)} a day, {better} "
            f"“nothing changes” ({_usd(checked.naive_error)})",
            f"From {len(history.values)} days of history{filled}",
            _weekly(found.weekly),
        ),
        lines=(
            *(f"{last + timedelta(days=day):%d %B}: {_usd(found.values[day - 1])} "
              f"({_usd(found.low[day - 1])} to {_usd(found.high[day - 1])})" for day in _shown(ahead)),
            *((f"{history.unusable} points were no numbers and were left out",) if history.unusable else ()),
        ),
        trend=_trend(history, found, first, end),
    )  # fmt: skip


def _shown(ahead: int) -> list[int]:
    """A day of each week ahead, and the last."""
    return sorted({*range(7, ahead + 1, 7), ahead})[:14]


def _weekly(weekly: tuple[float, ...]) -> str:
    if not weekly:
        return "No weekly pattern"
    best, worst = max(range(7), key=weekly.__getitem__), min(range(7), key=weekly.__getitem__)
    return f"Weekly pattern: highest on {WEEKDAYS[best]}, lowest on {WEEKDAYS[worst]}"


def _trend(history: Daily, found: Forecast, first: date, end: date) -> Trend:
    values = (*history.values, *found.values)
    step = -(-len(values) // TREND_VALUES_AT_MOST)
    # Counted from the end, so that the last day stays.
    kept = range((len(values) - 1) % step, len(values), step)
    return Trend(
        title="ARR gain",
        unit="usd",
        values=tuple(values[index] for index in kept),
        begins_at=datetime.combine(first, time(), UTC),
        ends_at=datetime.combine(end, time(), UTC),
        forecast=sum(index >= len(history.values) for index in kept),
    )


def _usd(value: float) -> str:
    return f"{'-' if value < 0 else ''}${abs(value):,.2f}"
