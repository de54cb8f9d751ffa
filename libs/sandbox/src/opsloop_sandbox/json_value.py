"""JSON as it comes from outside: nothing about its shape is known, so every look into it is checked."""

from collections.abc import Iterator
from typing import TypeAlias

JsonObject: TypeAlias = dict[str, object]


def as_object(value: object) -> JsonObject | None:
    """The value if it is a JSON object."""
    return value if isinstance(value, dict) else None


def as_objects(value: object) -> list[JsonObject]:
    """The JSON objects in a JSON array; anything else counts as empty."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: object) -> str:
    """The value if it is a string, else the empty string."""
    return value if isinstance(value, str) else ""


def walk(value: object) -> Iterator[JsonObject]:
    """Every JSON object inside the value, the outermost first."""
    if isinstance(value, dict):
        yield value
        children = list(value.values())
    elif isinstance(value, list):
        children = value
    else:
        return
    for child in children:
        yield from walk(child)
