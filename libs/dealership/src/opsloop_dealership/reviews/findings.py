"""What needs a person: found among the reviews, told without personal data in clear. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from opsloop_dealership.reviews.alike import alike
from opsloop_dealership.reviews.figures import bursts, is_bad
from opsloop_dealership.reviews.personal import EMAIL, masked, personal_in
from opsloop_dealership.reviews.review import Review
from opsloop_dealership.reviews.sheet import Sheet, sheet

BURST = "burst"
PERSONAL = "personal data"
UNANSWERED = "unanswered bad review"
SAME = "duplicates"
NEAR = "near-duplicates"
# What came in one wave, or what one author copied, explains the rest: it comes first and is cut last.
KINDS = {BURST: 2, SAME: 2, NEAR: 2, PERSONAL: 3, UNANSWERED: 5}
"""The kinds in their order, and how many of each the result shows."""
EXCERPT = 80
NAMED = 8
PLAIN_ID = re.compile(r"[\w:/.# -]{1,100}")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`review` is an id as its source has it; `detail` holds personal data in masked form only."""

    kind: str
    detail: str
    review: str = ""
    day: str = ""
    rating: str = ""
    source: str = ""
    link: str = ""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All findings as a CSV file, and the first of each kind to show. `cut` when not everything was compared."""

    counts: dict[str, int]
    shown: tuple[Finding, ...]
    file: Sheet
    cut: bool = False
    notes: tuple[str, ...] = ()


def findings_of(reviews: Sequence[Review], now: datetime, notes: tuple[str, ...] = ()) -> Findings:
    groups = alike(reviews)
    found = [
        *(Finding(kind=BURST, day=f"{b.day}", detail=_burst(b.count, b.usual)) for b in bursts(reviews, now)),
        *(_group(SAME, [reviews[index] for index in group]) for group in groups.same),
        *(_group(NEAR, [reviews[index] for index in group]) for group in groups.near),
        *(finding for review in reviews for finding in _personal(review)),
        *(_unanswered(review) for review in _newest_first(reviews) if is_bad(review) and not review.answered),
    ]
    return Findings(
        counts=dict(Counter(finding.kind for finding in found)),
        shown=tuple(_first_of_each(found)),
        file=sheet(("kind", "review", "day", "rating", "source", "detail", "link"), map(_row, found)),
        cut=groups.cut,
        notes=notes,
    )


def _burst(count: int, usual: float) -> str:
    return f"{count} reviews in a day, {usual:g} a day are usual"


def _group(kind: str, reviews: list[Review]) -> Finding:
    names = ", ".join(_id(review) for review in reviews[:NAMED])
    more = f" and {len(reviews) - NAMED} more" if len(reviews) > NAMED else ""
    said = "say the same" if kind == SAME else "say nearly the same"
    detail = f'{len(reviews)} reviews {said}: {names}{more}: "{_excerpt(reviews[0].text)}"'
    return _about(kind, reviews[0], detail)


def _personal(review: Review) -> Iterator[Finding]:
    for personal in personal_in(review.text):
        yield _about(PERSONAL, review, f"{personal.kind} {personal.shown} in the public text")


def _unanswered(review: Review) -> Finding:
    return _about(UNANSWERED, review, f'"{_excerpt(review.text)}"' if review.text else "without a text")


def _about(kind: str, review: Review, detail: str) -> Finding:
    return Finding(
        kind=kind,
        detail=detail,
        review=_id(review),
        day=f"{review.at.date()}" if review.at else "",
        rating="" if review.rating is None else f"{review.rating:g}",
        source=review.source,
        link="" if EMAIL.search(review.link.replace("%40", "@")) else review.link,
    )


def _id(review: Review) -> str:
    """An id is the source's own word, unless it looks like anything else."""
    return review.id if PLAIN_ID.fullmatch(review.id) else masked(review.id)


def _excerpt(text: str) -> str:
    """Masked first and cut then, so that no half of an address slips through."""
    shown = masked(text)
    return shown if len(shown) <= EXCERPT else f"{shown[: EXCERPT - 1].rstrip()}…"


def _newest_first(reviews: Sequence[Review]) -> list[Review]:
    return sorted(reviews, key=lambda review: review.at.timestamp() if review.at else 0.0, reverse=True)


def _first_of_each(found: list[Finding]) -> Iterator[Finding]:
    for kind, most in KINDS.items():
        yield from [finding for finding in found if finding.kind == kind][:most]


def _row(finding: Finding) -> tuple[str, ...]:
    return (
        finding.kind, finding.review, finding.day, finding.rating, finding.source, finding.detail, finding.link,
    )  # fmt: skip
