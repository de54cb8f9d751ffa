"""The headers of a request, as far as they decide whether its body is read at all. Pure."""

from collections.abc import Iterable

import msgspec

from opsloop_ingress.asked import Kind
from opsloop_ingress.refusal import Refused

KIB = 1024
LARGEST_BODY_BYTES: dict[Kind, int] = {"command": 64 * KIB, "interaction": 256 * KIB, "event": 256 * KIB}

_FORM = b"application/x-www-form-urlencoded"
_CONTENT_TYPE: dict[Kind, bytes] = {"command": _FORM, "interaction": _FORM, "event": b"application/json"}
_READ = frozenset(
    {
        b"content-type",
        b"content-encoding",
        b"content-length",
        b"x-slack-signature",
        b"x-slack-request-timestamp",
    }
)


class Head(msgspec.Struct, frozen=True):
    """What the headers claim; nothing of it is proven yet."""

    timestamp: bytes
    signature: bytes


def read(kind: Kind, headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """The claims in the headers (names in lower case, as ASGI has them). Raises Refused."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _READ:
            found.setdefault(name, []).append(value)
    if found.get(b"content-type") != [_CONTENT_TYPE[kind]]:
        raise Refused("content_type")
    if b"content-encoding" in found:
        raise Refused("content_encoding")
    if any(_length(value) > LARGEST_BODY_BYTES[kind] for value in found.get(b"content-length", ())):
        raise Refused("too_large")
    return Head(
        timestamp=_only(found.get(b"x-slack-request-timestamp", [])),
        signature=_only(found.get(b"x-slack-signature", [])),
    )


def _length(value: bytes) -> int:
    """The server has checked the form already; what is no number counts as too large."""
    digits = value.strip()
    return int(digits) if digits.isdigit() and len(digits) < 16 else 1 << 60


def _only(values: list[bytes]) -> bytes:
    if not values:
        raise Refused("signature_missing")
    if len(values) > 1:
        raise Refused("signature_repeated")
    return values[0]
