"""A JSON feed of reviews: a list, or an object that holds one. A feed that breaks off is read up to there. Pure."""

import codecs
import json
import re

import msgspec

from opsloop_dealership.document import as_node
from opsloop_dealership.reviews.review import Review, read_review

MAX_REVIEWS = 100_000
# Inside a JSON string the quotes would be escaped, so this finds a key and never a reviewer's text.
LIST = re.compile(r'"(?:reviews?|items|data|results)"\s*:\s*\[')
BETWEEN = re.compile(r"[\s,]*")
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
FEED = "feed"


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """`note` says where and why reading stopped before the list's end; empty when it did not."""

    reviews: tuple[Review, ...]
    note: str = ""


def read_feed(body: bytes, charset: str | None, base_url: str) -> Listed | None:
    """The reviews in `body`; None when there is no list of them in it. Never raises on bad input."""
    text = feed_text(body, charset)
    start = _start(text)
    if start is None:
        return None
    decoder = json.JSONDecoder()
    found: list[Review] = []
    place = _skip(text, start)
    while place < len(text) and text[place] != "]":
        if len(found) == MAX_REVIEWS:
            return Listed(reviews=tuple(found), note=f"cut after {MAX_REVIEWS:,} reviews")
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return Listed(
                reviews=tuple(found), note=f"not valid JSON after {len(found):,} reviews, the rest is missing"
            )
        place = _skip(text, place)
        node = as_node(value)
        if node is not None:
            found.append(read_review(node, source=FEED, number=len(found) + 1, base_url=base_url))
    note = "" if place < len(text) else f"ends in the middle, after {len(found):,} reviews"
    return Listed(reviews=tuple(found), note=note)


def feed_text(body: bytes, charset: str | None) -> str:
    """JSON is UTF-8 unless its mark or its header says otherwise; what does not fit becomes U+FFFD."""
    for mark, codec in BOMS:
        if body.startswith(mark):
            return body.decode(codec, "replace")
    known = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "windows-1252": "cp1252"}
    return body.decode(known.get((charset or "").lower(), "utf-8"), "replace")


def _start(text: str) -> int | None:
    opening = _skip(text, 0)
    if text.startswith("[", opening):
        return opening + 1
    match = LIST.search(text) if text.startswith("{", opening) else None
    return match.end() if match else None


def _skip(text: str, place: int) -> int:
    match = BETWEEN.match(text, place)
    return match.end() if match else place
