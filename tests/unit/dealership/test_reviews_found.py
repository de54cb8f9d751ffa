"""What is counted and found among reviews, and how it is told."""

import csv
import io
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from opsloop_common.task import STEP_RESULT_LIMIT_BYTES
from opsloop_dealership.reviews.alike import alike
from opsloop_dealership.reviews.figures import bursts, figures
from opsloop_dealership.reviews.findings import Findings, findings_of
from opsloop_dealership.reviews.personal import masked, personal_in
from opsloop_dealership.reviews.report import report
from opsloop_dealership.reviews.review import Review
from opsloop_dealership.reviews.sheet import MAX_BYTES, neutral, sheet

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LONG = "The sales team took time for all my questions and the price was the one we had agreed on"


def review(number: int = 1, *, days_ago: float | None = None, **fields: object) -> Review:
    at = None if days_ago is None else NOW - timedelta(days=days_ago)
    return msgspec.structs.replace(Review(id=f"r{number}", source="feed", at=at), **fields)


def rows_of(found: Findings) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(found.file.csv, newline="")))


def test_figures_of_reviews() -> None:
    """Distribution, both windows, response rate and the median time to respond; unknowns are counted apart."""
    reviews = [
        review(rating=5.0, days_ago=1, answered=True, answered_at=NOW),
        review(rating=2.0, days_ago=3, answered=True, answered_at=NOW),
        *(review(rating=rating, days_ago=days) for rating, days in ((None, 100), (4.0, 91), (1.0, None), (1.0, -3))),
        review(days_ago=181),
    ]
    found = figures(reviews, NOW)
    assert (found.count, found.stars, found.average) == (7, (1, 1, 0, 1, 2), 2.6)
    assert (found.unrated, found.undated) == (2, 1)
    assert (found.last.count, found.last.average) == (2, 3.5)
    assert (found.before.count, found.before.average) == (2, 4.0)
    assert (found.answered, found.response_hours) == (2, 48.0)


def test_a_response_before_its_review_has_no_time() -> None:
    """A feed that dates the answer first does not make the median negative."""
    assert figures([review(days_ago=1, answered=True, answered_at=NOW - timedelta(days=2))], NOW).response_hours is None


def test_a_burst_is_a_day_far_above_the_others() -> None:
    """Five in a day are one against a quiet year; four are not, and neither is a steady stream of five a day."""
    quiet = [review(days_ago=20 + 5 * n) for n in range(40)]
    assert [(b.count, b.day) for b in bursts([*quiet, *[review(days_ago=3)] * 5], NOW)] == [
        (5, (NOW - timedelta(days=3)).date())
    ]
    assert bursts([*quiet, *[review(days_ago=3)] * 4], NOW) == ()
    assert bursts([review(days_ago=n) for n in range(60) for _ in range(5)], NOW) == ()
    assert bursts([], NOW) == ()


def test_duplicates_and_near_duplicates() -> None:
    """Signs and case make no other text; a few other words make a near one; short praise is alike by nature."""
    texts = [LONG, LONG.upper() + "!!", LONG.replace("price", "rate"), "Great service!", "Great service", "x " * 400]
    found = alike([review(number, text=text) for number, text in enumerate(texts)])
    assert found.same == ((0, 1),)
    assert found.near == ((0, 2),)
    assert not found.cut


def test_reviews_with_a_sentence_in_common_are_not_near() -> None:
    """Half of a text is not nearly all of it."""
    other = "Then we drove home through the rain and the radio played our favourite song for an hour"
    assert alike([review(text=LONG), review(text=f"{LONG} {other}")]).near == ()


@pytest.mark.parametrize(
    ("text", "kind", "secret"),
    [
        ("write to jane.doe+cars@mail.example.com now", "e-mail", "jane.doe"),
        ("JANE＠EXAMPLE．COM", "e-mail", "JANE"),
        ("call 239-555-0187", "phone", "555"),
        ("(239) 555 0187", "phone", "555"),
        ("+49 30 901820", "phone", "9018"),
        ("ring 555-0187!", "phone", "555-01"),
        ("２３９－５５５－０１８７", "phone", "555"),
        ("my license plate is ABC D12", "plate", "D12"),
        ("He drives KLM 4821", "plate", "4821"),
    ],
)
def test_personal_data_is_found_and_masked(text: str, kind: str, secret: str) -> None:
    """E-mail addresses, phone numbers and plates are recognised, full-width ones too, and no longer readable."""
    (found,) = personal_in(text)
    assert found.kind == kind
    assert secret not in found.shown
    assert secret not in masked(text)


@pytest.mark.parametrize(
    "text",
    ["on 2026-05-01", "paid $32,450 for a 2026 CR-V", "F-150 with 120000 miles", "5/5", "CRV 2020", "open 9-5, 24/7"],
)
def test_dates_prices_and_models_are_not_personal(text: str) -> None:
    """Common numbers in reviews stay as they are."""
    assert personal_in(text) == ()
    assert masked(text) == text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " \n=1", "＝1", "|calc"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """What a spreadsheet would run is quoted with an apostrophe."""
    assert neutral(cell).startswith("'")
    (row,) = csv.reader(io.StringIO(sheet(("a",), [(cell,)]).csv.split("\r\n")[1]))
    assert row[0].startswith("'")


def test_hostile_reviews_reach_the_file_harmless() -> None:
    """Formulas, quotes and line ends of a reviewer stay inside their cells, and nothing personal is in clear."""
    text = '=cmd|calc "x"\r\n,jane@mail.example.com 239-555-0187'
    found = findings_of([review(id="=1+1", text=text, rating=1.0, link="https://a.example/?m=jane@x.example")], NOW)
    assert found.counts == {"personal data": 2, "unanswered bad review": 1}
    assert {row["review"] for row in rows_of(found)} == {"'=1+1"}
    assert {row["link"] for row in rows_of(found)} == {""}
    everything = msgspec.json.encode(found).decode()
    assert "jane@" not in everything
    assert "0187" not in everything


def test_an_excerpt_is_masked_before_it_is_cut() -> None:
    """An address across the cut does not leave its readable half."""
    found = findings_of([review(text="x" * 70 + " jane.miller@mail.example.com", rating=1.0)], NOW)
    assert "jane" not in found.file.csv


def test_many_findings_fit_into_a_step() -> None:
    """A file of 30,000 hostile rows is cut with a note, and the step's result stays within its bound."""
    found = findings_of([review(n, text=f'"\\ {n} ' * 8, rating=1.0) for n in range(30_000)], NOW)
    assert found.file.rows >= 30_000
    assert len(msgspec.json.encode(found)) <= STEP_RESULT_LIMIT_BYTES
    assert len(found.file.csv.encode()) <= MAX_BYTES + 200
    assert f"first {found.file.kept} of {found.file.rows}" in found.file.csv.splitlines()[-1]
    assert f"first {found.file.kept} of {found.file.rows}" in report(figures([review()], NOW), (), found).lines[-1]


def test_unanswered_bad_reviews_come_newest_first_with_links() -> None:
    """Two stars and fewer without an answer; three stars, and what was answered, are left out."""
    link = "https://a.example/r"
    reviews = [
        review(1, rating=2.0, days_ago=9, link=link), review(2, rating=1.0, days_ago=2, link=link),
        review(3, rating=3.0), review(4, rating=1.0, answered=True),
    ]  # fmt: skip
    found = rows_of(findings_of(reviews, NOW))
    assert [(row["review"], row["rating"], row["link"]) for row in found] == [("r2", "1", link), ("r1", "2", link)]


def test_the_result_fits_the_card() -> None:
    """With everything found and everything partial, no line is too long for the card and none is dropped."""
    link = "https://reviews.example/" + "x" * 130
    reviews = [
        review(n, text=f"{LONG * 3} {n % 9} 239-555-0187", rating=1.0, days_ago=n % 3, link=link) for n in range(90)
    ]
    result = report(
        figures(reviews, NOW), tuple(f"partial: {n} {'x' * 99}" for n in range(9)), findings_of(reviews, NOW)
    )
    assert result.summary.startswith("Partial result: 90 reviews, 1 of 5 on average, ")
    assert len(result.lines) <= 24
    assert all(len(line) <= 240 for line in result.lines)
    assert sum(line.endswith(link) for line in result.lines) >= 9
