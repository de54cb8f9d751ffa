"""The dealer's sources of reviews, all read at once: what each gave, and their reviews without those told twice."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import aiohttp
import msgspec

from opsloop_common.task import Run, TaskFailed
from opsloop_dealership.failures import failure
from opsloop_dealership.page import decode
from opsloop_dealership.reviews.alike import normalised
from opsloop_dealership.reviews.feed import MAX_REVIEWS, read_feed
from opsloop_dealership.reviews.fetch import Fetched, Trouble, fetch, on_same_host, open_session
from opsloop_dealership.reviews.page import ReviewPage, read_review_page
from opsloop_dealership.reviews.review import Review
from opsloop_dealership.reviews.settings import FEED_KEY, read_review_settings
from opsloop_dealership.settings import site_name
from opsloop_dealership.website import HTML_TYPES

MAX_FEED_BYTES = 64 * 1024 * 1024
MAX_PAGE_BYTES = 5 * 1024 * 1024
MAX_PAGES = 50
MAX_SOURCE_SECONDS = 45.0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one source. `trouble` is the class of its failure; `note` says what is missing from it."""

    key: str
    name: str
    count: int = 0
    trouble: str = ""
    note: str = ""


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    sources: tuple[Source, ...]
    reviews: tuple[Review, ...]


async def gather(run: Run) -> Gathered:
    """Reads every source within 45 s. Raises TaskFailed when none could be read."""
    settings = read_review_settings(run.target)
    async with open_session(settings.timeout_seconds) as session:
        reading = [_read(run, session, key, url) for key, url in settings.urls.items()]
        found = await asyncio.gather(*reading)
    sources = tuple(source for source, _ in found)
    if all(source.trouble for source in sources):
        raise _failed(sources)
    return Gathered(sources=sources, reviews=await asyncio.to_thread(merged, [reviews for _, reviews in found]))


def merged(lists: Sequence[Sequence[Review]]) -> tuple[Review, ...]:
    """All reviews, without what the same source lists again and what another source tells of the same review."""
    kept: list[Review] = []
    ids: set[str] = set()
    told: Counter[tuple[str, str, str]] = Counter()
    for reviews in lists:
        own: Counter[tuple[str, str, str]] = Counter()
        seen: set[Review] = set()
        for review in reviews:
            if review in seen:
                continue
            seen.add(review)
            key = _key(review)
            if review.id in ids or told[key] > 0:
                told[key] -= 1
                continue
            own[key] += 1
            kept.append(review)
        told += own
        ids |= {review.id for review in reviews}
    return tuple(kept)


def _key(review: Review) -> tuple[str, str, str]:
    day = review.at.date().isoformat() if review.at else ""
    return review.author.casefold(), day, normalised(review.text)


async def _read(run: Run, session: aiohttp.ClientSession, key: str, url: str) -> tuple[Source, tuple[Review, ...]]:
    name = site_name(url)
    until = asyncio.get_running_loop().time() + MAX_SOURCE_SECONDS
    run.log(f"GET {name}, within {MAX_SOURCE_SECONDS:g} s")
    try:
        reviews, note = await (_feed if key == FEED_KEY else _pages)(session, url, until)
    except Trouble as trouble:
        run.log(f"GET {name}: not read, it {trouble.reason}")
        return Source(key=key, name=name, trouble=trouble.code, note=trouble.reason), ()
    run.log(f"GET {name}: {len(reviews)} reviews{f', {note}' if note else ''}")
    return Source(key=key, name=name, count=len(reviews), note=note), reviews


async def _feed(session: aiohttp.ClientSession, url: str, until: float) -> tuple[tuple[Review, ...], str]:
    fetched = await fetch(session, url, "application/json", most_bytes=MAX_FEED_BYTES, until=until)
    listed = await asyncio.to_thread(read_feed, fetched.body, fetched.charset, fetched.url)
    if listed is None:
        raise Trouble("reviews_unreadable", f"sent no JSON list of reviews, but {fetched.content_type[:60]}")
    if not fetched.cut:
        return listed.reviews, listed.note
    return listed.reviews, f"{fetched.cut}, with {len(listed.reviews):,} reviews"


async def _pages(session: aiohttp.ClientSession, url: str, until: float) -> tuple[tuple[Review, ...], str]:
    """Follows the pages' own links to the next one. A page that fails ends the list; the first one must not."""
    reviews: list[Review] = []
    visited: set[str] = set()
    note = ""
    while not note:
        visited.add(url)
        try:
            fetched, page = await _page(session, url, until, len(reviews))
        except Trouble as trouble:
            if len(visited) == 1:
                raise
            note = f"stopped at page {len(visited)}, which {trouble.reason}"
            break
        reviews += page.reviews
        if not page.next_link:
            note = fetched.cut
            break
        url = on_same_host(fetched.url, page.next_link)
        note = fetched.cut or _why_to_stop(url, visited, len(reviews))
    return tuple(reviews[:MAX_REVIEWS]), note


def _why_to_stop(url: str, visited: set[str], count: int) -> str:
    if not url:
        return f"page {len(visited)} continues on another host, which was not followed"
    if url in visited:
        return f"page {len(visited)} continues on a page that was read already"
    if count >= MAX_REVIEWS:
        return f"cut after {MAX_REVIEWS:,} reviews"
    return f"cut after {MAX_PAGES} pages" if len(visited) >= MAX_PAGES else ""


async def _page(session: aiohttp.ClientSession, url: str, until: float, already: int) -> tuple[Fetched, ReviewPage]:
    fetched = await fetch(session, url, ", ".join(HTML_TYPES), most_bytes=MAX_PAGE_BYTES, until=until)
    if fetched.content_type not in HTML_TYPES:
        raise Trouble("reviews_unreadable", f"sent {fetched.content_type[:60]} instead of HTML")
    whole = fetched.body[: fetched.body.rfind(b"<")] if fetched.cut else fetched.body
    text = decode(whole, fetched.charset)
    return fetched, await asyncio.to_thread(read_review_page, text, fetched.url, already)


def _failed(sources: tuple[Source, ...]) -> TaskFailed:
    """The first source's failure; the others are told beside its name."""
    first = sources[0]
    site = first.name if len(sources) == 1 else f"{first.name}, the first of {len(sources)} sources that all failed,"
    return failure(first.trouble, site=site, reason=first.note, key=first.key)
