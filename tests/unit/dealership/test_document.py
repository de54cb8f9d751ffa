"""JSON-LD as values: what can be written, and when two documents say the same."""

import json
from datetime import date

import pytest

from opsloop_dealership.document import canonical, covers, encoded, plain


def test_plain_values_can_be_written_as_json() -> None:
    """What JSON readers accept but JSON writers do not is made harmless."""
    value = {"a": float("nan"), "b": 2**70, "c": "\ud800", "d": date(2026, 1, 2), "e": 10**4000, "f": (1,)}
    assert plain(value) == {"a": None, "b": float(2**70), "c": "?", "d": "2026-01-02", "e": None, "f": [1]}


def test_deep_nesting_is_refused() -> None:
    """Nothing that could exhaust the stack gets in."""
    value: object = 1
    for _ in range(40):
        value = [value]
    with pytest.raises(ValueError, match="nested more than 32 deep"):
        plain(value)


def test_normalisation_ignores_what_does_not_matter() -> None:
    """Key order and the way a whole number is written do not make a difference; values do."""
    assert canonical({"a": 1, "b": [2.0]}) == canonical({"b": [2], "a": 1.0})
    assert canonical({"a": "1"}) != canonical({"a": 1})
    assert canonical({"a": True}) != canonical({"a": 1})


def test_no_value_ends_the_script_element() -> None:
    """Written content contains no character that HTML reads, and reads back as it was."""
    node: dict[str, object] = {"name": "</script><!-- & é"}
    assert not set("<>&") & set(encoded((node,)).decode())
    assert json.loads(encoded((node,))) == node
    assert json.loads(encoded((node, node))) == [node, node]


@pytest.mark.parametrize(
    ("found", "wanted", "does"),
    [
        ("26.1", 26.1, True),
        (["a"], "a", True),
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ("http://schema.org/Monday", "Monday", True),
        ({"b": 2}, {"a": 1}, False),
        (["a", "b"], "a", False),
        (True, 1, False),
        (None, "a", False),
    ],
)
def test_covering_means_saying_at_least_as_much(found: object, wanted: object, does: bool) -> None:
    """A found value may say more than the profile, not less or something else."""
    assert covers(found, wanted) is does
