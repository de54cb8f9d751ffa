"""What Prometheus answered."""

from datetime import UTC, datetime

import msgspec
import pytest

from opsloop_metrics.reading import Nothing, Reading, Unreadable, complaint, course, newest

AT = 1_795_390_212.5
TIME = datetime.fromtimestamp(AT, UTC)


def vector(*parts: tuple[str, str]) -> bytes:
    result = [{"metric": {"opsloop_part": part}, "value": [AT + 60, value]} for part, value in parts]
    return msgspec.json.encode({"status": "success", "data": {"resultType": "vector", "result": result}})


def matrix(*series: list[list[object]]) -> bytes:
    result = [{"metric": {"n": str(n)}, "values": values} for n, values in enumerate(series)]
    return msgspec.json.encode({"status": "success", "data": {"resultType": "matrix", "result": result}})


def test_a_value_has_the_time_of_its_sample() -> None:
    """Not that of the evaluation, which stands beside both numbers."""
    assert newest(vector(("value", "-1.5e3"), ("at", str(AT)))) == Reading(-1500.0, TIME)
    assert newest(vector(("at", str(AT)), ("value", "0"))) == Reading(0.0, TIME)


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_is_no_data(text: str) -> None:
    """A division by zero in a rule is not a measurement."""
    assert newest(vector(("value", text), ("at", str(AT)))) == Nothing()


def test_no_series_is_no_data() -> None:
    """An empty answer is an answer."""
    assert newest(vector()) == Nothing()
    assert course(matrix()) == Nothing()


def test_several_series_are_no_data_with_a_reason() -> None:
    """Any of them could be the wrong one."""
    found = newest(vector(("value", "1"), ("value", "2"), ("at", "1"), ("at", "1")))
    assert isinstance(found, Nothing)
    assert "2 series match" in found.reason
    found_course = course(matrix([[AT, "1"]], [[AT, "2"]]))
    assert isinstance(found_course, Nothing)
    assert "2 series match" in found_course.reason


def test_a_course_leaves_out_what_is_no_number() -> None:
    """The points that remain are in order; none remaining is no data."""
    points = course(matrix([[AT, "1"], [AT + 1, "NaN"], [AT + 2, "+Inf"], [AT + 3, "2"]]))
    assert not isinstance(points, Nothing)
    assert [(point.at.timestamp() - AT, point.value) for point in points] == [(0, 1), (3, 2)]
    assert course(matrix([[AT, "NaN"]])) == Nothing()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"[" * 5_000,
        b"\xff\xfe",
        b'{"data":{"resultType":"scalar","result":[1,"1"]}}',
        vector(("value", "1")),
        vector(("at", "1")),
        vector(("value", "abc"), ("at", "1")),
        vector(("value", "1"), ("at", "NaN")),
        vector(("value", "1"), ("at", "1e300")),
        matrix([[AT, "1"]]),
    ],
)
def test_anything_else_is_unreadable(body: bytes) -> None:
    """Never another exception, whatever answered in Prometheus' place."""
    with pytest.raises(Unreadable):
        newest(body)


def test_a_course_is_a_matrix() -> None:
    """The answer to an instant query is not one to a range query."""
    with pytest.raises(Unreadable):
        course(vector(("value", "1"), ("at", "1")))


def test_a_refusal_is_read_if_it_is_prometheus_own() -> None:
    """What a proxy says is left to it."""
    found = complaint(b'{"status":"error","errorType":"bad_data","error":"parse error"}')
    assert (found.error_type, found.error) == ("bad_data", "parse error")
    assert complaint(b"<html>").error == ""
