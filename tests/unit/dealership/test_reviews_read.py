"""Reviews out of feeds and pages, whatever state these are in."""

import json
from datetime import UTC, datetime

import pytest

from opsloop_dealership.reviews.feed import MAX_REVIEWS, Listed, read_feed
from opsloop_dealership.reviews.page import read_review_page
from opsloop_dealership.reviews.review import MAX_TEXT, Review, read_review
from opsloop_dealership.reviews.sources import merged

BASE = "https://reviews.example/naples/"
MICRODATA = """<html><body><div itemscope itemtype="https://schema.org/Review" itemid="r-1">
<span itemprop="author" itemscope itemtype="http://schema.org/Person"><b itemprop="name">Ana</b></span>
<time itemprop="datePublished" datetime="2026-05-01T10:00:00-04:00">May</time>
<div itemprop="reviewRating" itemscope><meta itemprop="ratingValue" content="4">
<meta itemprop="bestRating" content="10">
</div><!-- x --><p itemprop="reviewBody">Fine <i>car</i></p><a itemprop="url" href="?id=1">more</a>
<div itemprop="comment" itemscope><p itemprop="text">Thanks</p><meta itemprop="dateCreated" content="2026-05-02"></div>
</div><a rel="nofollow next" href="?page=2">older</a></body></html>"""


def feed(*items: object) -> bytes:
    return json.dumps({"reviews": items}).encode()


def listed(body: bytes, charset: str | None = None) -> Listed:
    found = read_feed(body, charset, BASE)
    assert found is not None
    return found


def one(**fields: object) -> Review:
    return read_review(dict(fields), source="feed", number=1, base_url=BASE)


def test_a_feed_in_google_s_words_and_one_in_schema_org_s() -> None:
    """Both vocabularies give the same review, its answer included."""
    google = one(
        reviewId="1", starRating="TWO", comment="Slow", reviewer={"name": "Ben"}, createTime="2026-05-01T10:00:00Z",
        reviewReply={"comment": "Sorry", "updateTime": "2026-05-02T10:00:00Z"},
    )  # fmt: skip
    schema = one(
        identifier="1", reviewRating={"ratingValue": "2"}, reviewBody="Slow", author="Ben",
        datePublished="2026-05-01T10:00:00Z", comment={"text": "Sorry", "dateCreated": "2026-05-02T10:00:00Z"},
    )  # fmt: skip
    assert google == schema
    assert (google.rating, google.text, google.answered) == (2.0, "Slow", True)
    assert google.answered_at == datetime(2026, 5, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize("rating", [7, -1, "many", True, float("nan"), 10**400, {}, []])
def test_an_impossible_rating_is_none(rating: object) -> None:
    """A value off the scale is left out instead of moving the average."""
    assert one(rating=rating).rating is None


@pytest.mark.parametrize("told", ["yesterday", 10**30, True, {}, "0001-01-01T00:00:00+14:00"])
def test_an_impossible_date_is_none(told: object) -> None:
    """A date that cannot be read leaves the review undated."""
    assert one(date=told).at is None


def test_a_text_is_one_bounded_line_that_utf_8_can_carry() -> None:
    """Controls, direction marks and lone surrogates are gone; the length is bounded."""
    assert one(text="a\x00\n\u202eb\ud800c").text == "a b c"
    assert len(one(text="x" * 100_000).text) == MAX_TEXT


@pytest.mark.parametrize("link", ["javascript:alert(1)", "http://user@evil.example/", "http://[x", 'https://a/"><', 5])
def test_a_link_that_is_not_plain_http_is_dropped(link: object) -> None:
    """Only absolute http(s) addresses without user, quotes and brackets are passed on."""
    assert one(url=link).link in ("", BASE + "5")


def test_a_relative_link_leads_to_its_source() -> None:
    """Feeds may write links as their pages do."""
    assert one(url="?id=1").link == BASE + "?id=1"


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b'{"a": 1}', b'"reviews"', b"\xff\xfe\x00"])
def test_what_holds_no_list_is_told_from_an_empty_list(body: bytes) -> None:
    """No list is None; an empty one is a feed without reviews."""
    assert read_feed(body, None, BASE) is None
    assert listed(b'{"reviews": []}') == Listed(reviews=())


def test_a_key_in_a_text_is_not_taken_for_the_list() -> None:
    """A reviewer who writes JSON starts no list of their own."""
    body = json.dumps({"motto": 'x "reviews": [{"id": "evil"}]', "data": [{"id": "good"}]}).encode()
    assert [review.id for review in listed(body).reviews] == ["good"]


@pytest.mark.parametrize("ending", [b"", b', {"id": "2"', b", {broken}]}", b", " + b"[" * 100_000])
def test_a_feed_that_breaks_off_is_read_up_to_there(ending: bytes) -> None:
    """What came before the break counts, and the note says that something is missing."""
    found = listed(b'{"reviews": [{"id": "1"}' + ending)
    assert [review.id for review in found.reviews] == ["1"]
    assert "1 reviews" in found.note


def test_a_feed_in_a_broken_encoding_is_read() -> None:
    """Bytes that are no UTF-8 become U+FFFD; a declared or marked encoding is honoured."""
    latin = '[{"text": "déjà"}]'.encode("latin-1")
    assert listed(latin).reviews[0].text == "d\ufffdj\ufffd"
    assert listed(latin, "iso-8859-1").reviews[0].text == "déjà"
    assert listed('[{"text": "déjà"}]'.encode("utf-16")).reviews[0].text == "déjà"


def test_a_long_feed_is_cut_and_says_so() -> None:
    """100,000 reviews are read; of one more the note tells."""
    items = b",".join([b"{}"] * MAX_REVIEWS)
    assert listed(b"[" + items + b"]").note == ""
    assert listed(b"[" + items + b",{}]").note == "cut after 100,000 reviews"


def test_microdata_of_a_page() -> None:
    """Nested items, scales, comments and the next page's link are understood."""
    page = read_review_page(MICRODATA, BASE)
    assert page.next_link == "?page=2"
    assert page.reviews == (
        Review(
            id="r-1", source="page", rating=2.0, text="Fine car", author="Ana", link=BASE + "?id=1",
            at=datetime(2026, 5, 1, 14, tzinfo=UTC), answered=True, answered_at=datetime(2026, 5, 2, tzinfo=UTC),
        ),
    )  # fmt: skip


def test_json_ld_of_a_page() -> None:
    """Reviews inside a dealer's JSON-LD count when the page has no microdata."""
    document = {"@type": "AutoDealer", "review": [{"@type": "Review", "reviewBody": "a"}, {"@type": "Review"}]}
    page = read_review_page(f'<script type="application/ld+json">{json.dumps(document)}</script>', BASE, already=10)
    assert [(review.id, review.text) for review in page.reviews] == [("page 11", "a"), ("page 12", "")]


@pytest.mark.parametrize("text", ["", "\x00", "<", "<div itemscope itemtype='https://schema.org/Review'>" * 500])
def test_a_broken_page_raises_nothing(text: str) -> None:
    """Whatever the page is, the answer is a list of reviews."""
    assert read_review_page(text, BASE).next_link == ""


def test_a_review_told_by_two_sources_counts_once_and_a_copy_counts_twice() -> None:
    """Sources are matched by id or by author, day and text; two equal reviews of one source stay two."""
    ids = [one(id="1", text="a"), one(id="2", text="Same words"), one(id="3", text="Same words")]
    page = [Review(id=f"page {n}", source="page", text=text) for n, text in enumerate(("A!", "same words", "new"))]
    assert [review.id for review in merged([ids, page])] == ["1", "2", "3", "page 2"]
    assert len(merged([[*ids, ids[0]]])) == 3
