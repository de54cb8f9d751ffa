"""JSON-LD documents as plain values: what they may hold, and when two of them say the same."""

import html
import math
import re
from collections.abc import Mapping
from datetime import date, time

import msgspec

Node = dict[str, object]

MAX_DEPTH = 32
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31});")
SCHEMA_PREFIX = re.compile(r"^(?:https?://(?:www\.)?schema\.org/|schema:)", re.IGNORECASE)


def plain(value: object, depth: int = MAX_DEPTH) -> object:
    """`value` as UTF-8 JSON can carry it. Raises ValueError when it is nested more than `depth` deep."""
    if depth < 0:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**63 else float(value) if abs(value) < 2**1000 else None
    if isinstance(value, date | time):
        return value.isoformat()
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def as_node(value: object) -> Node | None:
    """`value` when it is a JSON object."""
    return value if isinstance(value, dict) else None


def as_items(value: object) -> list[object]:
    """JSON-LD draws no line between one value and a list of one, nor between nested lists and a flat one."""
    if not isinstance(value, list):
        return [value]
    return [item for inner in value for item in as_items(inner)]


def types_of(node: Node) -> tuple[str, ...]:
    """The node's types without schema.org's prefix, in their order."""
    return tuple(SCHEMA_PREFIX.sub("", item) for item in as_items(node.get("@type")) if isinstance(item, str))


def encoded(content: tuple[Node, ...]) -> bytes:
    """The content as `application/ld+json`, one object or a list of several.

    `<`, `>` and `&` are written as escapes, so that no value can end the script element it is put into.
    """
    value: object = content[0] if len(content) == 1 else list(content)
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


def canonical(value: object) -> bytes:
    """The same bytes for documents that differ only in key order, spacing, escapes or how a number is written."""
    return msgspec.json.encode(_whole_numbers(value), order="sorted")


def _whole_numbers(value: object) -> object:
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def same(one: object, other: object) -> bool:
    return canonical(one) == canonical(other)


def covers(found: object, wanted: object) -> bool:
    """Whether `found` says all that `wanted` says; it may say more."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and covers(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list) or isinstance(found, list):
        ones, others = as_items(found), as_items(wanted)
        return len(ones) == len(others) and all(covers(one, other) for one, other in zip(ones, others, strict=True))
    return _scalar_key(found) == _scalar_key(wanted)


def _scalar_key(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return (value,)
    try:
        return float(str(value))
    except ValueError:
        return SCHEMA_PREFIX.sub("", str(value)).strip()


def without_entities(value: object) -> object:
    """`value` with HTML entities in its texts resolved: inside a script element nobody else resolves them."""
    if isinstance(value, dict):
        return {key: without_entities(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_entities(item) for item in value]
    return _resolved(value) if isinstance(value, str) else value


def _resolved(text: str) -> str:
    """Until nothing is left: what was escaped twice holds an entity again once it is resolved."""
    while (shorter := ENTITY.sub(lambda match: html.unescape(match[0]), text)) != text:
        text = shorter
    return text
