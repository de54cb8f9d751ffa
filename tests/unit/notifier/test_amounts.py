"""Numbers in words: what they are, how old, and what became of them."""

from datetime import timedelta

import pytest

from opsloop_common.measures import Measure
from opsloop_notifier import amounts
from unit.notifier import states
from unit.notifier.states import measure

EARLIER = measure(value=1707.11, at=states.START)


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (measure(), "$4,820.11"),
        (measure(value=-1000.5), "-$1,000.50"),
        (measure(value=-0.001), "$0.00"),
        (measure(unit="ratio", value=0.934), "0.93"),
        (measure(unit="number", value=1234567.0), "1,234,567"),
        (measure(unit="number", value=-0.001), "0"),
        (measure(value=1e300), "1e+300"),
        (measure(value=float("nan")), "–"),
        (measure(state="no_data", value=0.0), "no data"),
        (measure(state="unavailable"), "unavailable"),
    ],
)
def test_numbers_are_shown_as_what_they_are(found: Measure, shown: str) -> None:
    """No data is never 0, unavailable is not no data, and nothing is -0."""
    assert amounts.measure(found, states.ENDED) == shown


def test_an_old_sample_says_when_it_was_taken() -> None:
    """Older than five minutes, measured at the moment it tells of."""
    found = measure(at=states.ENDED - timedelta(minutes=6))
    assert amounts.measure(found, states.ENDED).startswith("$4,820.11 (sample of <!date^")
    assert amounts.measure(found, states.ENDED - timedelta(minutes=2)) == "$4,820.11"


@pytest.mark.parametrize(
    ("before", "after", "shown", "told"),
    [
        (
            EARLIER,
            measure(value=8058.44),
            "$1,707.11 → $8,058.44 ▲ +$6,351.33",
            "$8,058.44, up $6,351.33 from $1,707.11",
        ),
        (
            EARLIER,
            measure(value=1700.0),
            "$1,707.11 → $1,700.00 ▼ -$7.11",
            "$1,700.00, down $7.11 from $1,707.11",
        ),
        (EARLIER, measure(value=1707.114), "$1,707.11, no change", "$1,707.11, no change"),
        (EARLIER, EARLIER, "$1,707.11, no newer sample yet", "$1,707.11, no newer sample yet"),
        (None, measure(), "$4,820.11 (no earlier sample)", "$4,820.11 (no earlier sample)"),
        (measure(state="no_data"), measure(), "$4,820.11 (no earlier sample)", "$4,820.11 (no earlier sample)"),
    ],
)
def test_a_change_has_a_direction(before: Measure | None, after: Measure, shown: str, told: str) -> None:
    """Up, down, none, or nothing to compare with; as a card shows it and as a sentence says it."""
    assert amounts.change(before, after, states.ENDED) == shown
    assert amounts.told(before, after, states.ENDED) == told


def test_a_number_that_is_gone_says_what_it_was() -> None:
    """No data now: the earlier value is not taken for the present one."""
    assert amounts.change(EARLIER, measure(state="no_data"), states.ENDED) == "no data (was $1,707.11)"
    assert amounts.change(None, measure(state="no_data"), states.ENDED) == "no data"


def test_the_difference_is_that_of_what_is_shown() -> None:
    """A reader who subtracts the two numbers gets the third."""
    before, after = measure(value=1.004, at=states.START), measure(value=1.006)
    assert amounts.change(before, after, states.ENDED) == "$1.00 → $1.01 ▲ +$0.01"
