"""Queries as text: what comes from a person stays a string."""

import promql_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsloop_common import catalogue
from opsloop_metrics import promql
from opsloop_metrics.promql import BadTarget, filled, quoted, timed

TEMPLATE = "gain{dealer=$target}"
NASTY = (
    '"',
    "\\",
    "\\\\",
    '\\"',
    "\n",
    "\r\n",
    '"} or vector(1) #',
    "$target",
    "🚗",
    "a\x00b",
    "\\n",
    "`",
    "'",
    "\u2028",
)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
@example('"')
@example("\\")
@example('\\"\n$target')
def test_any_text_is_one_label_value(target: str) -> None:
    """A parser that knows nothing of us reads back exactly the text, in a query of the template's shape."""
    parsed = promql_parser.parse(filled(TEMPLATE, target))
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert [(found.name, found.value) for found in parsed.matchers.matchers] == [("dealer", target)]


@pytest.mark.parametrize("target", NASTY)
def test_the_timed_query_keeps_the_text_in_both_places(target: str) -> None:
    """The value and its time are asked of the same series."""
    parsed = promql_parser.parse(timed(filled(TEMPLATE, target)))
    assert isinstance(parsed, promql_parser.BinaryExpr)
    assert str(parsed.op) == "or"


def test_a_target_is_put_in_once() -> None:
    """A target that reads like the placeholder is not replaced again."""
    assert filled("a{x=$target} / b{y=$target}", "$target") == 'a{x="$target"} / b{y="$target"}'


@pytest.mark.parametrize("target", ["", "x" * (promql.LONGEST_TARGET + 1), "a\ud800b", "\udfff"])
def test_what_is_no_label_value_is_refused(target: str) -> None:
    """Empty would mean "without the label"; halves of surrogate pairs are no text."""
    with pytest.raises(BadTarget, match="the target is"):
        filled(TEMPLATE, target)


def test_the_longest_target_is_taken() -> None:
    """The limit itself is inside."""
    assert quoted("x" * promql.LONGEST_TARGET) in filled(TEMPLATE, "x" * promql.LONGEST_TARGET)


@pytest.mark.parametrize(
    "query", ["gain{dealer=$target}", 'sum(gain{dealer=$target, a="}"}) / 2', "-gain{dealer=$target,}"]
)
def test_what_the_catalogue_accepts_is_promql(query: str) -> None:
    """Templates that pass its check parse once they are filled, alone and timed."""
    assert catalogue.query_problem(query) == ""
    promql_parser.parse(timed(filled(query, "naples-honda")))
