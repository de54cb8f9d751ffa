"""Small words: ages, ordinals."""

from datetime import timedelta

import pytest

from opsloop_notifier import words
from unit.notifier.states import START


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (0.4, "just now"),
        (12, "12 s ago"),
        (59.9, "59 s ago"),
        (300, "5 min ago"),
        (7200, "2 h ago"),
        (86400, "1 day ago"),
        (200000, "2 days ago"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    """Whole units, never zero of one."""
    assert words.ago(START - timedelta(seconds=seconds), START) == said


def test_places_are_ordinals() -> None:
    """The teens are the exception."""
    assert [words.ordinal(place) for place in (1, 2, 3, 4, 11, 12, 21, 100)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "100th",
    ]  # fmt: skip
