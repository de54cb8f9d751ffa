"""How bytes become a page."""

import pytest

from opsloop_dealership.page import decode, read_page


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("Café".encode(), "utf-8", "Café"),
        ("Café".encode("latin-1"), "iso-8859-1", "Café"),
        ("“Café”".encode("cp1252"), "iso-8859-1", "“Café”"),
        ("Café".encode("cp1252"), None, "Café"),
        ("Café".encode(), "no-such-charset", "Café"),
        ("Café".encode(), "utf-7", "Café"),
        ("Café".encode("utf-8-sig"), "latin-1", "Café"),
        ("Café".encode("utf-16"), None, "Café"),
        (b'<meta charset="windows-1252">\x80', None, '<meta charset="windows-1252">€'),
        (b"Caf\xff", "utf-8", "Caf\ufffd"),
    ],
)
def test_text_is_decoded_as_browsers_do(body: bytes, charset: str | None, text: str) -> None:
    """A byte order mark wins, then the header, then the meta element; what fits nothing is replaced."""
    assert decode(body, charset) == text


@pytest.mark.parametrize(("etag", "kept"), [('"a"', '"a"'), ('W/"a"', None), ("a", None), (None, None)])
def test_only_a_strong_etag_is_kept(etag: str | None, kept: str | None) -> None:
    """A weak or malformed ETag cannot guard a write."""
    assert read_page("http://a/", etag, b"", None).etag == kept
