"""Forms are decoded once and strictly."""

import contextlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsloop_ingress import form
from opsloop_ingress.refusal import Refused

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=8))
def test_any_form_comes_back_as_it_was(fields: dict[str, str]) -> None:
    """What a browser or Slack encodes is read back unchanged."""
    assert form.decode(urlencode(fields).encode()) == fields


def test_escapes_in_either_case() -> None:
    """Escapes may be written in capital or small letters, or mixed."""
    assert form.decode(b"a=%c3%A9%C3%a9%2f%2F+%2B") == {"a": "éé// +"}


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=2",
        b"a=1&%61=2",
        b"a",
        b"a=1&",
        b"&",
        b"=1",
        b"a=b=c",
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%+4",
        b"a=%\xff\xff",
        b"a=%00",
        b"a=\x00",
        b"a=%ff",
        b"a=\xff",
        b"a=%ed%a0%80",
        b"a=%c0%af",
        b"&".join(b"f%d=1" % number for number in range(51)),
    ],
)
def test_what_is_no_strict_form_is_refused(body: bytes) -> None:
    """Repeated names, missing "=", broken escapes, NUL, bad UTF-8 and too many fields are refused."""
    with pytest.raises(Refused, match="form"):
        form.decode(body)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_form_or_a_refusal(body: bytes) -> None:
    """Nothing but Refused is ever raised."""
    with contextlib.suppress(Refused):
        form.decode(body)
