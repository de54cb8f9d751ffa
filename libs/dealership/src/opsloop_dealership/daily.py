"""A series as one value a day, without gaps. Pure."""

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, date, timedelta
from statistics import fmean

import msgspec

from opsloop_common.measures import Point


class Daily(msgspec.Struct, frozen=True, kw_only=True):
    """The values from `first` on, a day each; `known` of them were measured, the others lie on a line between."""

    first: date | None = None
    values: tuple[float, ...] = ()
    known: int = 0
    unusable: int = 0

    @property
    def gaps(self) -> int:
        return len(self.values) - self.known


def daily(points: Sequence[Point]) -> Daily:
    """The mean of each day (UTC). Points that are no number are left out and counted."""
    days: dict[date, list[float]] = {}
    usable = [point for point in points if math.isfinite(point.value)]
    for point in usable:
        days.setdefault(point.at.astimezone(UTC).date(), []).append(point.value)
    unusable = len(points) - len(usable)
    if not days:
        return Daily(unusable=unusable)
    means = {day: fmean(values) for day, values in sorted(days.items())}
    values = _filled(means)
    return Daily(first=min(means), values=tuple(values), known=len(means), unusable=unusable)


def _filled(means: dict[date, float]) -> list[float]:
    known = list(means.items())
    values = [known[0][1]]
    for (day, value), (next_day, next_value) in itertools.pairwise(known):
        span = (next_day - day) // timedelta(days=1)
        values += [value + (next_value - value) * step / span for step in range(1, span + 1)]
    return values
