"""JSON from outside, decoded strictly into a struct.

Refused: repeated keys, NaN and infinities, numbers no double or 64-bit integer holds, lone surrogates,
nesting beyond the interpreter's recursion limit. Keys the struct does not name may hold anything else.
"""

import json
import math
from typing import Any, TypeVar

import msgspec

from opsloop_ingress.refusal import Refused

T = TypeVar("T")

LONGEST_INTEGER = 20


class _Malformed(ValueError):
    pass


def decode(text: str, struct: type[T]) -> T:
    """Raises Refused: "json" for what is no strict JSON, "shape" for what does not fit the struct."""
    try:
        # msgspec alone would keep the last of two equal keys, and skips over numbers it does not need.
        _reader.decode(text)
        return msgspec.json.decode(text, type=struct)
    except msgspec.ValidationError as error:
        raise Refused("shape") from error
    except (ValueError, RecursionError) as error:
        raise Refused("json") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Malformed("a key is repeated")
    return found


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise _Malformed("a number is too long")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _Malformed("a number is too large")
    return value


def _constant(name: str) -> float:
    raise _Malformed(name)


_reader = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer, parse_float=_number, parse_constant=_constant)
