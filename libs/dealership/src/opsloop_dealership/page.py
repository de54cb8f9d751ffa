"""A dealer's page as it was read: its text, and what identifies this version of it."""

import codecs
import hashlib
import re

import msgspec

META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_\-]{1,40})", re.IGNORECASE)
META_WITHIN_BYTES = 4096
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Only codecs that browsers know; Python has others that are no character sets or are unsafe (utf-7, punycode).
BROWSER_CODECS = re.compile(
    r"ascii|utf-8|utf-16(-[lb]e)?|cp(125\d|866|874|932|949)|iso8859-\d+|koi8-[ru]|mac-(roman|cyrillic)"
    r"|gbk|gb2312|gb18030|big5|euc_(jp|kr)|shift_jis|iso2022_jp"
)
AS_BROWSERS_DO = {"ascii": "cp1252", "iso8859-1": "cp1252"}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is where redirects ended; `etag` is a strong one or None: a weak one cannot guard a write (RFC 9110)."""

    url: str
    etag: str | None
    sha256: str
    size_bytes: int
    text: str


def read_page(url: str, etag: str | None, body: bytes, charset: str | None) -> Page:
    strong = etag if etag and etag.startswith('"') and etag.endswith('"') else None
    digest = hashlib.sha256(body).hexdigest()
    return Page(url=url, etag=strong, sha256=digest, size_bytes=len(body), text=decode(body, charset))


def decode(body: bytes, charset: str | None) -> str:
    """The body's text in the encoding a browser would choose. Never raises: what does not fit becomes U+FFFD."""
    for mark, codec in BOMS:
        if body.startswith(mark):
            return body.decode(codec, "replace")
    meta = META_CHARSET.search(body[:META_WITHIN_BYTES])
    declared = _known(charset) or _known(meta[1].decode("ascii") if meta else None)
    if declared:
        return body.decode(declared, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _known(charset: str | None) -> str | None:
    try:
        name = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return None
    return AS_BROWSERS_DO.get(name, name) if BROWSER_CODECS.fullmatch(name) else None
