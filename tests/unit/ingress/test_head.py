"""Headers decide whether a body is read at all."""

import pytest

from opsloop_ingress import head
from opsloop_ingress.asked import Kind
from opsloop_ingress.head import Head
from opsloop_ingress.refusal import Refused

FORM = (b"content-type", b"application/x-www-form-urlencoded")
JSON = (b"content-type", b"application/json")
TIME = (b"x-slack-request-timestamp", b"1")
SIGNATURE = (b"x-slack-signature", b"v0=x")


@pytest.mark.parametrize(("kind", "type"), [("command", FORM), ("interaction", FORM), ("event", JSON)])
def test_claims_are_read(kind: Kind, type: tuple[bytes, bytes]) -> None:
    """Other headers do not matter."""
    headers = [(b"user-agent", b"x"), type, TIME, SIGNATURE, (b"content-length", b"1000")]
    assert head.read(kind, headers) == Head(b"1", b"v0=x")


@pytest.mark.parametrize(
    ("kind", "headers", "reason"),
    [
        ("command", [TIME, SIGNATURE], "content_type"),
        ("command", [JSON, TIME, SIGNATURE], "content_type"),
        ("event", [FORM, TIME, SIGNATURE], "content_type"),
        ("command", [FORM, FORM, TIME, SIGNATURE], "content_type"),
        ("command", [(b"content-type", b"multipart/form-data; boundary=x"), TIME, SIGNATURE], "content_type"),
        ("command", [FORM, (b"content-encoding", b"gzip"), TIME, SIGNATURE], "content_encoding"),
        ("command", [FORM, (b"content-length", b"65537"), TIME, SIGNATURE], "too_large"),
        ("event", [JSON, (b"content-length", b"262145"), TIME, SIGNATURE], "too_large"),
        ("event", [JSON, (b"content-length", b"9" * 5000), TIME, SIGNATURE], "too_large"),
        ("command", [FORM, TIME], "signature_missing"),
        ("command", [FORM, SIGNATURE], "signature_missing"),
        ("command", [FORM, TIME, SIGNATURE, SIGNATURE], "signature_repeated"),
        ("command", [FORM, TIME, TIME, SIGNATURE], "signature_repeated"),
    ],
)
def test_what_is_not_right_is_refused(kind: Kind, headers: list[tuple[bytes, bytes]], reason: str) -> None:
    """Another type, an encoding, too much, and missing or repeated proofs are refused before the body is read."""
    with pytest.raises(Refused) as caught:
        head.read(kind, headers)
    assert caught.value.reason == reason
