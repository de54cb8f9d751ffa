"""What the finished task says."""

import pytest

from opsloop_dealership.correction import Correction
from opsloop_dealership.failures import failure
from opsloop_dealership.injection import Proof
from opsloop_dealership.problem import Problem
from opsloop_dealership.report import report


def problems(count: int) -> tuple[Problem, ...]:
    return tuple(Problem(code="x", path=f"p{n}", sentence=f"p{n} is wrong") for n in range(count))


@pytest.mark.parametrize(
    ("needed", "count", "summary"),
    [
        (True, 3, "3 problems corrected"),
        (True, 1, "1 problem corrected"),
        (True, 0, "Schema brought up to date"),
        (False, 0, "Nothing to correct"),
    ],
)
def test_the_summary_counts_what_was_solved(needed: bool, count: int, summary: str) -> None:
    """One sentence with the right number."""
    assert report(Correction(content=(), needed=needed, solved=problems(count)), (), Proof()).summary == summary


def test_lines_are_bounded() -> None:
    """What was wrong does not hide what changed: each kind has its few lines, and says how many more there are."""
    changes = tuple(f"set key{number}: x" for number in range(9))
    result = report(Correction(content=(), needed=True, solved=problems(16), changes=changes), (), Proof())
    assert len(result.lines) == 12
    assert result.lines[5] == "wrong: 11 more, all in the log"
    assert result.lines[11] == "changed: 4 more, all in the log"


def test_a_script_that_stays_broken_is_not_counted_as_solved() -> None:
    """What the page still shows is told as such."""
    broken = Problem(code="broken_script", path="script[0]", sentence="script 1 is not valid JSON: oops in line 1")
    correction = Correction(content=(), needed=True, solved=(broken, *problems(1)))
    result = report(correction, (), Proof(unreadable=("oops in line 1",)))
    assert result.summary == "1 problem corrected"
    assert result.lines[0] == "still on the page and unreadable: oops in line 1"


def test_outside_text_is_never_taken_for_the_step() -> None:
    """Braces in a value cannot inject a placeholder into a sentence."""
    assert failure("site_not_found", site="a/{step}", status=404).sentence.count("{step}") == 1
