"""The AI-visibility score: how well machines can read, trust and place a dealer, 0 to 100. Pure.

Each part is between 0 and 1 and says why; a part that could not be had says so instead, and its weight goes to the
others.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from opsloop_common.measures import Measure
from opsloop_dealership.problem import Problem
from opsloop_dealership.reviews.figures import Figures
from opsloop_dealership.vocabulary import RECOMMENDED, REQUIRED

PARTS = ("schema", "reviews", "precision", "freshness")
DEFAULT_WEIGHTS = {"schema": 40.0, "reviews": 25.0, "precision": 20.0, "freshness": 15.0}
ENOUGH_REVIEWS = 50
FRESH_REVIEW, STALE_REVIEW = timedelta(days=30), timedelta(days=365)
FRESH_SAMPLE, STALE_SAMPLE = timedelta(hours=1), timedelta(hours=24)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """`share` of the part's weight, 0 to 1; None when the part could not be had. `why` completes a sentence."""

    name: str
    share: float | None
    why: str


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """`points` of 100; for each part that is known, its points and the most it could have."""

    points: float
    parts: tuple[tuple[Part, float, float], ...]
    missing: tuple[Part, ...]


class Malformed(ValueError):
    """The weights are no weights; the text says what is wrong."""


def weights_in(told: object) -> dict[str, float]:
    """The catalogue's weights, or the usual ones where it has none. Raises Malformed."""
    if told is None:
        return dict(DEFAULT_WEIGHTS)
    if not isinstance(told, Mapping):
        raise Malformed("must be a table of weights")
    for name, value in told.items():
        if name not in PARTS:
            raise Malformed(f"names {name!r}; known are {', '.join(PARTS)}")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value < 0:
            raise Malformed(f"gives {name} {value!r}, which is no number of at least 0")
    weights = {name: float(told.get(name, 0)) for name in PARTS}
    if not sum(weights.values()):
        raise Malformed("gives every part 0: at least one must count")
    return weights


def score(parts: tuple[Part, ...], weights: Mapping[str, float]) -> Score | None:
    """None when nothing that counts is known."""
    counted = [part for part in parts if weights[part.name] > 0]
    known = [(part, part.share) for part in counted if part.share is not None]
    total = sum(weights[part.name] for part, _ in known)
    if not total:
        return None
    most = {part.name: 100 * weights[part.name] / total for part, _ in known}
    shown = tuple((part, most[part.name] * share, most[part.name]) for part, share in known)
    return Score(
        points=round(sum(points for _, points, _ in shown), 1),
        parts=shown,
        missing=tuple(part for part in counted if part.share is None),
    )


def schema_part(problems: tuple[Problem, ...], *, has_dealer: bool) -> Part:
    """Completeness: what is required and recommended, less a tenth for each fault in what is there."""
    if not has_dealer:
        return Part(name="schema", share=0.0, why="the page describes no dealer")
    absent = sum(problem.code == "missing_property" for problem in problems)
    faults = sum(problem.code != "missing_property" and problem.weight == "error" for problem in problems)
    wanted = len(REQUIRED) + len(RECOMMENDED)
    share = max(0.0, 1 - absent / wanted) * max(0.0, 1 - faults / 10)
    return Part(name="schema", share=share, why=f"{absent} of {wanted} properties missing, {_many(faults, 'fault')}")


def reviews_part(found: Figures) -> Part:
    """Health: how many (to 50), how good, and how many of them the owner answered."""
    if not found.count:
        return Part(name="reviews", share=0.0, why="there are no reviews")
    volume = min(1.0, found.count / ENOUGH_REVIEWS)
    rating = 0.0 if found.average is None else (found.average - 1) / 4
    answered = found.answered / found.count
    stars = "unrated" if found.average is None else f"{found.average:g}★"
    why = f"{_many(found.count, 'review')}, {stars}, {answered:.0%} answered"
    return Part(name="reviews", share=0.3 * volume + 0.4 * rating + 0.3 * answered, why=why)


def precision_part(measure: Measure) -> Part:
    if measure.state != "value" or not math.isfinite(measure.value):
        why = "there is no data" if measure.state == "no_data" else "nobody answered for Prometheus"
        return Part(name="precision", share=None, why=why)
    share = min(1.0, max(0.0, measure.value))
    return Part(name="precision", share=share, why=f"GNN precision {measure.value:.2f}")


def freshness_part(newest_review: datetime | None, measure: Measure, now: datetime) -> Part:
    """How recent the newest review and the newest sample are; what is unknown does not count."""
    shares, told = [], []
    if newest_review is not None:
        age = max(timedelta(0), now - newest_review)
        shares.append(_fresh(age, FRESH_REVIEW, STALE_REVIEW))
        told.append(f"newest review {_many(age.days, 'day')} old")
    if measure.state == "value" and measure.at is not None:
        age = max(timedelta(0), now - measure.at)
        shares.append(_fresh(age, FRESH_SAMPLE, STALE_SAMPLE))
        told.append(f"newest sample {_many(round(age / timedelta(minutes=1)), 'minute')} old")
    if not shares:
        return Part(name="freshness", share=None, why="neither reviews nor samples have a date")
    return Part(name="freshness", share=sum(shares) / len(shares), why=", ".join(told))


def _fresh(age: timedelta, full: timedelta, none: timedelta) -> float:
    return min(1.0, max(0.0, (none - age) / (none - full)))


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
