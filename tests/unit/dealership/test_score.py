"""The score's parts and how they add up."""

from datetime import UTC, datetime, timedelta

import pytest

from opsloop_common.measures import Measure, MeasureState
from opsloop_dealership.problem import Problem
from opsloop_dealership.reviews.figures import figures
from opsloop_dealership.score import (
    DEFAULT_WEIGHTS,
    Malformed,
    Part,
    freshness_part,
    precision_part,
    reviews_part,
    schema_part,
    score,
    weights_in,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def measure(value: float = 0.9, state: MeasureState = "value", at: datetime | None = NOW) -> Measure:
    return Measure(metric="precision", title="Precision", unit="ratio", state=state, value=value, at=at)


def part(name: str, share: float | None) -> Part:
    return Part(name=name, share=share, why="so")


def test_the_weights_add_up() -> None:
    """Half of everything is 50."""
    parts = tuple(part(name, 0.5) for name in DEFAULT_WEIGHTS)
    found = score(parts, DEFAULT_WEIGHTS)
    assert found is not None
    assert found.points == 50.0
    assert [round(most) for _, _, most in found.parts] == [40, 25, 20, 15]


def test_a_part_that_could_not_be_had_gives_its_weight_to_the_others() -> None:
    """And is named."""
    found = score((part("schema", 1.0), part("reviews", None), part("precision", 0.0)), DEFAULT_WEIGHTS)
    assert found is not None
    assert found.points == pytest.approx(100 * 40 / 60, abs=0.1)
    assert [one.name for one in found.missing] == ["reviews"]


def test_nothing_known_is_no_score() -> None:
    """Nor is one whose only known part does not count."""
    assert score((part("schema", None),), DEFAULT_WEIGHTS) is None
    assert score((part("schema", 1.0), part("reviews", None)), {"schema": 0, "reviews": 1}) is None


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (7, "must be a table"),
        ({"schemas": 1}, "known are schema"),
        ({"schema": -1}, "no number of at least 0"),
        ({"schema": "40"}, "no number of at least 0"),
        ({"schema": float("nan")}, "no number of at least 0"),
        ({"schema": 0}, "gives every part 0"),
    ],
)
def test_weights_that_are_none_are_named(told: object, said: str) -> None:
    """What is wrong with them, and what would be right."""
    with pytest.raises(Malformed, match=said):
        weights_in(told)


def test_a_complete_page_has_all_of_its_part() -> None:
    """Each missing property and each fault costs; no dealer is nothing."""
    assert schema_part((), has_dealer=True).share == 1.0
    absent = Problem(code="missing_property", path="geo", sentence="geo is missing", weight="advice")
    fault = Problem(code="wrong_type", path="@type", sentence="@type is Shop")
    assert (
        0
        < (schema_part((absent, fault), has_dealer=True).share or 0)
        < (schema_part((absent,), has_dealer=True).share or 0)
    )
    assert schema_part((), has_dealer=False).share == 0.0


def test_parts_without_data_are_unknown_and_not_zero() -> None:
    """No data and nobody to ask are told apart."""
    assert precision_part(measure(state="no_data")).why == "there is no data"
    assert precision_part(measure(state="unavailable")).share is None
    assert precision_part(measure(1.7)).share == 1.0
    assert reviews_part(figures((), NOW)).share == 0.0
    assert freshness_part(None, measure(state="no_data"), NOW).share is None


def test_freshness_falls_with_age() -> None:
    """A review of today counts in full, one of a year ago not at all; so do samples of an hour and a day ago."""
    assert freshness_part(NOW, measure(), NOW).share == 1.0
    assert freshness_part(NOW - timedelta(days=400), measure(at=NOW - timedelta(hours=30)), NOW).share == 0.0
    assert freshness_part(NOW - timedelta(days=400), measure(state="no_data"), NOW).share == 0.0
