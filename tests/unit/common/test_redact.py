"""Secrets do not leave."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsloop_common.redact import MASK, Redactor

SECRET = "s3cret/with+signs=and more"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        "xoxb-" + "1234567890-abcdefghij",
        "Authorization: Bearer abc.def",
        "postgres://user:hunter2@db/x",
    ],
)
def test_a_secret_is_masked_in_every_form(text: str) -> None:
    """As it is, URL-encoded, in base64, or by its look."""
    masked = Redactor((SECRET,))(f"before {text} after")
    assert text not in masked
    assert MASK in masked
    assert masked.startswith("before ")


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_known_secret_never_survives(before: str, after: str) -> None:
    """Whatever stands around it."""
    assert SECRET not in Redactor((SECRET,))(before + SECRET + after)


def test_plain_text_is_left_alone() -> None:
    """What is no secret stays as it is."""
    assert Redactor(("longsecretvalue",))("PUT /content 204 in 12 ms") == "PUT /content 204 in 12 ms"
