"""What only a real Prometheus can prove."""

import itertools
import logging

import aiohttp
import pytest

from integration.metrics.conftest import LAST_SEEN_SECONDS, NASTY_TARGETS
from integration.metrics.figures import figures, gain, gain_over


async def test_every_text_finds_its_own_series(session: aiohttp.ClientSession, real_prometheus: str) -> None:
    """A label of quotes, backslashes, ends of lines or emoji is found by exactly that text."""
    asking = figures(session, real_prometheus)
    found = [(await asking.value(gain(target))).value for target in NASTY_TARGETS]
    assert found == [100 + number for number in range(len(NASTY_TARGETS))]


async def test_an_old_sample_has_its_own_time(
    session: aiohttp.ClientSession, real_prometheus: str, started_at: float
) -> None:
    """A series that was last seen two minutes ago tells so; an instant query alone would say "now"."""
    found = await figures(session, real_prometheus).value(gain("late"))
    assert (found.state, found.value) == ("value", 7)
    assert found.at is not None
    assert found.at.timestamp() == started_at - LAST_SEEN_SECONDS


async def test_a_series_that_has_gone_is_no_data(session: aiohttp.ClientSession, real_prometheus: str) -> None:
    """Beyond Prometheus' five minutes the last value says nothing about now."""
    assert (await figures(session, real_prometheus).value(gain("gone"))).state == "no_data"


@pytest.mark.parametrize("target", ["nan", "infinite"])
async def test_what_is_no_number_is_no_data(session: aiohttp.ClientSession, real_prometheus: str, target: str) -> None:
    """For the newest value and for a course."""
    asking = figures(session, real_prometheus)
    assert (await asking.value(gain(target))).state == "no_data"
    assert (await asking.course(gain_over(target))).state == "no_data"


async def test_zero_is_a_value(session: aiohttp.ClientSession, real_prometheus: str) -> None:
    """Nought is a measurement, unlike no data."""
    found = await figures(session, real_prometheus).value(gain("zero"))
    assert (found.state, found.value) == ("value", 0)


async def test_several_series_are_no_data_and_a_line(
    session: aiohttp.ClientSession, real_prometheus: str, caplog: pytest.LogCaptureFixture
) -> None:
    """None of them is chosen; the log says what to do about it."""
    with caplog.at_level(logging.WARNING):
        found = await figures(session, real_prometheus).value(gain("twice"))
        course = await figures(session, real_prometheus).course(gain_over("twice"))
    assert (found.state, course.state) == ("no_data", "no_data")
    assert "2 series match where one is wanted" in caplog.text


async def test_a_course_has_the_values_of_its_time(session: aiohttp.ClientSession, real_prometheus: str) -> None:
    """The seeded gain rises by one dollar a second."""
    course = await figures(session, real_prometheus).course(gain_over("naples-honda", seconds=600, step_seconds=60))
    values = [point.value for point in course.points]
    assert len(values) == 11
    # The newest ones repeat the last sample, once it is older than they are apart.
    assert [later - earlier for earlier, later in itertools.pairwise(values[:9])] == [60] * 8
