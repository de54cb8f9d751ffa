"""The numbers about a dealer's reviews. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from statistics import fmean, median

import msgspec

from opsloop_dealership.reviews.review import Review

WINDOW_DAYS = 90
BAD_RATING = 2.0
BURST_WITHIN_DAYS = 365
BURST_LEAST = 5
BURST_SIGMAS = 3


class Window(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    average: float | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`stars` counts the ratings by whole stars, from 5 down to 1. `response_hours` is a median."""

    count: int
    average: float | None
    stars: tuple[int, int, int, int, int]
    unrated: int
    undated: int
    last: Window
    before: Window
    answered: int
    response_hours: float | None


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    day: date
    count: int
    usual: float


def figures(reviews: Sequence[Review], now: datetime) -> Figures:
    ratings = [review.rating for review in reviews if review.rating is not None]
    stars = Counter(min(5, max(1, round(rating))) for rating in ratings)
    hours = [waited for waited in map(_response_hours, reviews) if waited is not None]
    return Figures(
        count=len(reviews),
        average=_average(ratings),
        stars=(stars[5], stars[4], stars[3], stars[2], stars[1]),
        unrated=len(reviews) - len(ratings),
        undated=sum(review.at is None for review in reviews),
        last=_window(reviews, now - timedelta(days=WINDOW_DAYS), now),
        before=_window(reviews, now - timedelta(days=2 * WINDOW_DAYS), now - timedelta(days=WINDOW_DAYS)),
        answered=sum(review.answered for review in reviews),
        response_hours=round(median(hours), 1) if hours else None,
    )


def bursts(reviews: Sequence[Review], now: datetime) -> tuple[Burst, ...]:
    """Days of the last year (UTC) with at least 5 reviews and more than mean + 3σ of all days since its first one."""
    since = now - timedelta(days=BURST_WITHIN_DAYS)
    days = Counter(review.at.date() for review in reviews if review.at is not None and since < review.at <= now)
    if not days:
        return ()
    length = (now.date() - min(days)).days + 1
    mean = days.total() / length
    sigma = math.sqrt(max(0.0, sum(count * count for count in days.values()) / length - mean * mean))
    return tuple(
        Burst(day=day, count=count, usual=round(mean, 2))
        for day, count in sorted(days.items())
        if count >= BURST_LEAST and count > mean + BURST_SIGMAS * sigma
    )


def is_bad(review: Review) -> bool:
    return review.rating is not None and review.rating <= BAD_RATING


def _response_hours(review: Review) -> float | None:
    if review.at is None or review.answered_at is None or review.answered_at < review.at:
        return None
    return (review.answered_at - review.at) / timedelta(hours=1)


def _window(reviews: Sequence[Review], after: datetime, until: datetime) -> Window:
    inside = [review for review in reviews if review.at is not None and after < review.at <= until]
    return Window(count=len(inside), average=_average([r.rating for r in inside if r.rating is not None]))


def _average(ratings: list[float]) -> float | None:
    return round(fmean(ratings), 2) if ratings else None
