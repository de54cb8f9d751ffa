"""Validates a dealer's node against schema.org and what search engines ask of local businesses. Pure."""

from collections.abc import Iterator
from itertools import chain, islice

from opsloop_dealership.document import ENTITY, SCHEMA_PREFIX, Node, as_items, as_node, types_of
from opsloop_dealership.problem import Problem, shown
from opsloop_dealership.shapes import CHECKS
from opsloop_dealership.vocabulary import (
    DEALER,
    PROPERTIES,
    RECOMMENDED,
    REQUIRED,
    SUPERSEDED,
    TYPES,
    is_foreign,
    nearest,
)

MAX_PROBLEMS = 100


def validate(node: Node, context: object) -> tuple[Problem, ...]:
    """The problems of a dealer's node that stands under `context` (the document's `@context`), 100 at most."""
    foreign_types = has_foreign_type(node)
    properties = (property_problems(name, value, foreign_types=foreign_types) for name, value in node.items())
    found = chain(context_problems(context), type_problems(node), missing(node), chain.from_iterable(properties))
    return tuple(islice(found, MAX_PROBLEMS))


def context_problems(context: object) -> Iterator[Problem]:
    if not names_schema_org(context):
        told = f"is {shown(context)} instead of https://schema.org" if context else "is missing"
        yield Problem(code="wrong_context", path="@context", sentence=f"@context {told}")


def names_schema_org(context: object) -> bool:
    """Whether plain property names mean schema.org under this `@context`."""
    for item in as_items(context):
        named = item if isinstance(item, str) else (as_node(item) or {}).get("@vocab")
        if isinstance(named, str) and SCHEMA_PREFIX.sub("", named.rstrip("/") + "/") == "":
            return True
    return False


def type_problems(node: Node) -> Iterator[Problem]:
    types = types_of(node)
    if DEALER not in types:
        told = f"is {shown(', '.join(types))} instead of {DEALER}" if types else "is missing"
        yield Problem(code="wrong_type", path="@type", sentence=f"@type {told}")
        return
    for name in types:
        if name not in TYPES and not is_foreign(name) and (hint := nearest(name, TYPES)):
            sentence = f"@type {shown(name)} is unknown; did you mean {hint}?"
            yield Problem(code="wrong_type", path="@type", sentence=sentence)


def has_foreign_type(node: Node) -> bool:
    """Whether another type, unknown here, may bring properties of its own."""
    return DEALER in types_of(node) and any(name not in TYPES and not nearest(name, TYPES) for name in types_of(node))


def property_problems(name: str, value: object, *, foreign_types: bool = False) -> Iterator[Problem]:
    """Problems of one property: its name, then each of its values."""
    if is_foreign(name):
        return
    if name in SUPERSEDED:
        sentence = f"{name} is superseded by {SUPERSEDED[name]}"
        yield Problem(code="superseded_property", path=name, sentence=sentence)
    elif name not in PROPERTIES:
        yield from _unknown(name, foreign_types)
    yield from value_problems(name, value)


def _unknown(name: str, foreign_types: bool) -> Iterator[Problem]:
    hint = nearest(name, PROPERTIES)
    if hint or not foreign_types:
        also = f"; did you mean {hint}?" if hint else ""
        sentence = f"{shown(name)} is not a property of {DEALER}{also}"
        yield Problem(code="unknown_property", path=shown(name), sentence=sentence)


def value_problems(name: str, value: object) -> Iterator[Problem]:
    """Problems of a property's values, whatever its name."""
    if value is None or value == "" or value == []:
        yield Problem(code="empty_value", path=name, sentence=f"{shown(name)} has no value")
        return
    for index, item in enumerate(as_items(value)):
        path = f"{name}[{index}]" if isinstance(value, list) else name
        if name in CHECKS:
            yield from CHECKS[name](item, path)
        yield from _entities(item, path)


def _entities(value: object, path: str) -> Iterator[Problem]:
    if isinstance(value, str) and (match := ENTITY.search(value)):
        path = shown(path, 100)
        sentence = f"{path} contains the HTML entity {match[0]}, which nobody resolves in JSON-LD"
        yield Problem(code="html_entity", path=path, sentence=sentence)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _entities(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _entities(item, f"{path}[{index}]")


def missing(node: Node) -> Iterator[Problem]:
    for name in REQUIRED:
        if name not in node:
            yield Problem(code="missing_property", path=name, sentence=f"{name} is missing; it is required")
    for name, alternatives in RECOMMENDED.items():
        if not any(item in node for item in alternatives):
            sentence = f"{name} is missing; search engines recommend it"
            yield Problem(code="missing_property", path=name, sentence=sentence, weight="advice")
