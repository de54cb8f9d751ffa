"""JSON from outside is decoded strictly."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsloop_ingress import document
from opsloop_ingress.refusal import Refused


class Sample(msgspec.Struct):
    a: str = ""


def test_unknown_keys_are_left_alone() -> None:
    """Slack adds keys: they do not matter."""
    assert document.decode('{"a": "\\ud83d\\ude80", "b": [1, -2.5, {"a": null}]}', Sample) == Sample("\N{ROCKET}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}{}",
        '{"a": "x", "a": "y"}',
        '{"b": {"c": 1, "c": 1}}',
        '{"b": NaN}',
        '{"b": -Infinity}',
        '{"b": 1e999}',
        '{"b": ' + "9" * 21 + "}",
        '{"b": ' + "9" * 5000 + "}",
        '{"a": "\\ud800"}',
        '{"b": "\\ud800"}',
        '{"a": "\n"}',
        '{"b": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"b":' * 60_000 + "1" + "}" * 60_000,
        "[" * 200_000,
        "\ufeff{}",
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_what_is_no_strict_json_is_refused(text: str) -> None:
    """Repeated keys, NaN, huge numbers, lone surrogates and bottomless nesting are refused, wherever they stand."""
    with pytest.raises(Refused, match="json"):
        document.decode(text, Sample)


@pytest.mark.parametrize("text", ["[]", "null", '"a"', "17", '{"a": 1}', '{"a": null}'])
def test_other_shapes_are_refused(text: str) -> None:
    """JSON that does not fit the struct is refused as such."""
    with pytest.raises(Refused, match="shape"):
        document.decode(text, Sample)


@given(st.text(max_size=200))
def test_any_text_gives_a_struct_or_a_refusal(text: str) -> None:
    """Nothing but Refused is ever raised."""
    with contextlib.suppress(Refused):
        document.decode(text, Sample)
