"""`application/x-www-form-urlencoded`, decoded once and strictly.

A click carries the whole message it was made on, so decoding the form is the largest cost of a request: it happens
in one pass, and refuses what urllib.parse lets through (broken escapes, fields without "=", repeated names, NUL).
"""

from itertools import product

from opsloop_ingress.refusal import Refused

MOST_FIELDS = 50

_DIGITS = "0123456789abcdefABCDEF"
_BYTES = {f"{high}{low}".encode(): bytes([int(high + low, 16)]) for high, low in product(_DIGITS, repeat=2)}


def decode(body: bytes) -> dict[str, str]:
    """The fields of a form. Raises Refused("form")."""
    if not body:
        return {}
    pieces = body.split(b"&", MOST_FIELDS)
    if len(pieces) > MOST_FIELDS:
        raise Refused("form")
    try:
        fields = dict([_field(piece) for piece in pieces])
    except (KeyError, ValueError) as error:
        raise Refused("form") from error
    if len(fields) != len(pieces):
        raise Refused("form")
    return fields


def _field(piece: bytes) -> tuple[str, str]:
    name, equals, value = piece.partition(b"=")
    if not name or not equals or b"=" in value:
        raise ValueError("not one name and one value")
    return _text(name), _text(value)


def _text(encoded: bytes) -> str:
    """Raises KeyError for a broken escape, ValueError (UnicodeDecodeError too) for what is no text."""
    first, *rest = encoded.replace(b"+", b" ").split(b"%")
    decoded = first + b"".join([_BYTES[part[:2]] + part[2:] for part in rest]) if rest else first
    if b"\0" in decoded:
        raise ValueError("NUL")
    return decoded.decode("utf-8")
