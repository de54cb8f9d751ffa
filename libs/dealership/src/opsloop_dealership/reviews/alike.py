"""Reviews that say the same, or nearly the same: words are compared, not signs and case. Pure.

Near-duplicates share most of their pairs of words. Who is compared with whom is found by a sketch of each text, its
smallest hashes (Broder, "On the resemblance and containment of documents", 1997), so that the effort grows with the
number of reviews and not with its square.
"""

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from opsloop_dealership.reviews.review import Review

LEAST_SIGNS = 20
"""Shorter texts ("Great service!") are alike by nature."""
LEAST_WORDS = 8
SKETCH_WORDS = 120
SKETCH_SIZE = 4
BUCKET_COMPARED = 12
MOST_COMPARISONS = 200_000
RESEMBLANCE = 0.6
NOT_WORDS = re.compile(r"[\W_]+")


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Groups of indices, biggest first. `cut` when there was more to compare than is ever compared."""

    same: tuple[tuple[int, ...], ...]
    near: tuple[tuple[int, ...], ...]
    cut: bool = False


def alike(reviews: Sequence[Review]) -> Alike:
    """Near-duplicates are told between different texts only: one of each group of equal ones stands for all."""
    by_text: dict[str, list[int]] = defaultdict(list)
    for index, review in enumerate(reviews):
        text = normalised(review.text)
        if len(text) >= LEAST_SIGNS:
            by_text[text].append(index)
    near, cut = _near({indices[0]: text for text, indices in by_text.items()})
    same = tuple(tuple(indices) for indices in by_text.values() if len(indices) > 1)
    return Alike(same=_biggest_first(same), near=_biggest_first(near), cut=cut)


def normalised(text: str) -> str:
    return NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _near(texts: dict[int, str]) -> tuple[tuple[tuple[int, ...], ...], bool]:
    buckets: dict[int, list[int]] = defaultdict(list)
    parents = {index: index for index in texts}
    compared = 0
    for index, text in texts.items():
        pairs = _pairs(text)
        if len(pairs) < LEAST_WORDS - 1:
            continue
        sketch = sorted(pairs)[:SKETCH_SIZE]
        rivals = {rival for key in sketch for rival in buckets[key]}
        for rival in sorted(rivals):
            if compared < MOST_COMPARISONS and _root(parents, rival) != _root(parents, index):
                compared += 1
                if _resemble(pairs, _pairs(texts[rival])):
                    parents[_root(parents, index)] = _root(parents, rival)
        for key in sketch:
            if len(buckets[key]) < BUCKET_COMPARED:
                buckets[key].append(index)
    return _groups(parents), compared >= MOST_COMPARISONS


def _pairs(text: str) -> set[int]:
    words = text.split(" ", SKETCH_WORDS)[:SKETCH_WORDS]
    return {zlib.crc32(f"{one} {other}".encode()) for one, other in pairwise(words)}


def _resemble(one: set[int], other: set[int]) -> bool:
    return len(one & other) >= RESEMBLANCE * len(one | other)


def _root(parents: dict[int, int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _groups(parents: dict[int, int]) -> tuple[tuple[int, ...], ...]:
    members: dict[int, list[int]] = defaultdict(list)
    for index in parents:
        members[_root(parents, index)].append(index)
    return tuple(tuple(group) for group in members.values() if len(group) > 1)


def _biggest_first(groups: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(sorted(groups, key=lambda group: (-len(group), group)))
