"""Keeps secrets out of logs and messages: those known by value, and those that look like one.

Applied before a text is cut, so that no half of a secret survives.
"""

import base64
import re
import urllib.parse

MASK = "[redacted]"
SHORTEST_SECRET = 8

# Linear patterns only: a log line can be anything.
_LOOKS_SECRET = re.compile(
    r"xox[abeprs]-[A-Za-z0-9-]{8,}"
    r"|xapp-[A-Za-z0-9-]{8,}"
    r"|\bsk_(?:test|live)_[A-Za-z0-9]{8,}"
    r"|\bgh[opsu]_[A-Za-z0-9]{20,}"
    r"|\bAKIA[A-Z0-9]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"
    r"|\bS[UAOCNX][A-Z2-7]{50,}"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,8192}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
)
_HEADER = re.compile(r"(?i)(authorization\s{0,8}[:=]\s{0,8}(?:bearer|basic)?\s{0,8})[^\s,;'\"]+")
_IN_URL = re.compile(r"(://[^/\s:@]{1,256}:)[^/\s@]{1,256}@")


class Redactor:
    """Replaces secrets by a mask. `known` values are found as they are, URL-encoded and in base64."""

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        forms = {form for value in known if len(value) >= SHORTEST_SECRET for form in _forms(value)}
        # The longest first, else a secret that contains another would be masked in part.
        self._known = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for form in self._known:
            text = text.replace(form, MASK)
        text = _LOOKS_SECRET.sub(MASK, text)
        text = _HEADER.sub(rf"\1{MASK}", text)
        return _IN_URL.sub(rf"\1{MASK}@", text)


def _forms(value: str) -> tuple[str, ...]:
    encoded = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()
    return value, urllib.parse.quote(value, safe="", errors="replace"), encoded.rstrip("=")
