"""One review, whatever it was read from, and how it is taken out of an object of a feed or of a page."""

import math
import re
import unicodedata
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import msgspec

from opsloop_dealership.document import Node, as_items, as_node

MAX_TEXT = 5_000
MAX_NAME = 200
MAX_LINK = 300
BEST_RATING = 5.0
WORDS = {"ONE": 1.0, "TWO": 2.0, "THREE": 3.0, "FOUR": 4.0, "FIVE": 5.0}
NUMBER = re.compile(r"\d{1,6}(?:[.,]\d{1,6})?")
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")

# schema.org's name comes first; the others are what the big review sites call it.
ID = ("identifier", "@id", "id", "reviewId", "review_id")
RATING = ("reviewRating", "ratingValue", "rating", "stars", "starRating")
TEXT = ("reviewBody", "description", "text", "body", "content")
AUTHOR = ("author", "reviewer", "user")
DATE = ("datePublished", "dateCreated", "date", "created_at", "createTime", "updateTime", "time")
LINK = ("url", "link", "permalink")
ANSWER = ("response", "owner_response", "ownerResponse", "reply", "reviewReply")
COMMENT = "comment"
"""schema.org's name for an answer, Google's for a text."""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """`rating` is on a scale to 5; `text` is one line without control characters; unknown things are None or empty."""

    id: str
    source: str
    rating: float | None = None
    text: str = ""
    author: str = ""
    at: datetime | None = None
    link: str = ""
    answered: bool = False
    answered_at: datetime | None = None


def read_review(node: Node, *, source: str, number: int, base_url: str) -> Review:
    """The review in `node`, the source's `number`th. Never raises: what cannot be understood is left out."""
    answer = _answer(node)
    answered_by = as_node(answer) or {}
    return Review(
        id=one_line(_first(node, ID), MAX_NAME) or f"{source} {number}",
        source=source,
        rating=_rating(_first(node, RATING), node),
        text=one_line(_text(node), MAX_TEXT),
        author=one_line(_first(node, AUTHOR), MAX_NAME),
        at=_moment(_first(node, DATE)),
        link=_link(_first(node, LINK), base_url),
        answered=bool(one_line(_text(answered_by) if answered_by else answer, MAX_NAME)),
        answered_at=_moment(_first(answered_by, DATE)),
    )


def one_line(value: object, limit: int) -> str:
    """What a person would read of `value`, in one line of at most `limit` characters that UTF-8 can carry."""
    node = as_node(value)
    if node is not None:
        value = _first(node, ("name", "value", "@id"))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    cut = unicodedata.normalize("NFC", str(value)[: 2 * limit])
    seen = "".join(" " if unicodedata.category(sign) in UNSEEN else sign for sign in cut)
    return " ".join(seen.split())[:limit]


def _text(node: Node) -> object:
    told = _first(node, TEXT)
    return _first(node, (COMMENT,)) if told is None and isinstance(node.get(COMMENT), str) else told


def _answer(node: Node) -> object:
    told = _first(node, ANSWER)
    if told is None and (_first(node, TEXT) is not None or not isinstance(node.get(COMMENT), str)):
        return _first(node, (COMMENT,))
    return told


def _first(node: Node, names: tuple[str, ...]) -> object:
    for name in names:
        for item in as_items(node[name]) if name in node else ():
            if item is not None and item not in ("", {}):
                return item
    return None


def _rating(value: object, node: Node) -> float | None:
    scale = as_node(value)
    best = BEST_RATING
    if scale is not None:
        best = _number(_first(scale, ("bestRating",))) or BEST_RATING
        value = _first(scale, ("ratingValue", "value"))
    elif "bestRating" in node:
        best = _number(_first(node, ("bestRating",))) or BEST_RATING
    found = _number(value)
    if found is None or not 0 <= found <= best:
        return None
    return round(found * BEST_RATING / best, 2)


def _number(value: object) -> float | None:
    if isinstance(value, str):
        match = NUMBER.match(value.strip())
        return WORDS.get(value.strip().upper()) if match is None else float(match[0].replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 2**53 and math.isfinite(value) else None


def _moment(value: object) -> datetime | None:
    """ISO 8601, or seconds since 1970. A time without a zone is taken for UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if not isinstance(value, str):
            return None
        found = datetime.fromisoformat(value.strip()[:40])
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _link(value: object, base_url: str) -> str:
    """An absolute http(s) address, or nothing: what reviewers and feeds write must not become another link."""
    told = one_line(value, MAX_LINK)
    if not told or " " in told:
        return ""
    try:
        link = urljoin(base_url, told)
        parts = urlsplit(link)
        plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in link
    except ValueError:
        return ""
    return link if plain and len(link) <= MAX_LINK and not re.search(r"[\s<>|\"'`]", link) else ""
