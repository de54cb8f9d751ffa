"""Finds the dealer among the documents of a page. Pure."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from opsloop_dealership.document import Node, as_node, types_of
from opsloop_dealership.extract import Script
from opsloop_dealership.vocabulary import AUTOMOTIVE, BROADER, DEALER, nearest

NESTED = ("@graph", "mainEntity", "about")
MAX_NESTING = 4

Path = tuple[str | int, ...]


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """Where a node stands: the script, the document in it, and the keys and indices down to the node."""

    script: int
    document: int
    path: Path = ()


def find_dealer(scripts: tuple[Script, ...], profile: Mapping[str, object]) -> Location | None:
    """The node that describes the profile's dealer.

    One that carries the profile's name, url or telephone wins, then the one with the best type. None when nothing
    resembles a dealer, or when several do and none of them is the profile's: a wrong one must not be overwritten.
    """
    rated = [(_rank(node, profile), location) for location, node in _candidates(scripts)]
    best = max((rank for rank, _ in rated), default=0)
    winners = [location for rank, location in rated if rank == best]
    if best < _LIKELY or (best < _IDENTIFIED and len(winners) > 1):
        return None
    return winners[0]


def node_at(scripts: tuple[Script, ...], location: Location) -> Node:
    value: object = scripts[location.script].documents[location.document]
    for key in location.path:
        value = value[key] if isinstance(value, list) and isinstance(key, int) else _member(value, key)
    return as_node(value) or {}


def replaced(value: object, path: Path, node: Node) -> object:
    """A copy of `value` with the node at `path` replaced."""
    if not path:
        return node
    if isinstance(value, list):
        return [replaced(item, path[1:], node) if index == path[0] else item for index, item in enumerate(value)]
    members = as_node(value) or {}
    return {key: replaced(item, path[1:], node) if key == path[0] else item for key, item in members.items()}


def _member(value: object, key: str | int) -> object:
    return (as_node(value) or {}).get(str(key))


def _candidates(scripts: tuple[Script, ...]) -> Iterator[tuple[Location, Node]]:
    for index, script in enumerate(scripts):
        for number, document in enumerate(script.documents):
            for path, node in _walk(document, ()):
                yield Location(script=index, document=number, path=path), node


def _walk(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    yield path, node
    if len(path) >= MAX_NESTING:
        return
    for key in NESTED:
        value = node.get(key)
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if (inner := as_node(item)) is not None:
                yield from _walk(inner, (*path, key, index) if isinstance(value, list) else (*path, key))


_IDENTIFIED = 100
_LIKELY = 5


def _rank(node: Node, profile: Mapping[str, object]) -> int:
    by_type = max((_type_rank(name) for name in types_of(node)), default=1 if "name" in node else 0)
    if by_type == 0:
        return 0
    matches = sum(_identity(key, node.get(key)) == _identity(key, profile.get(key)) is not None for key in IDENTITY)
    return by_type + _IDENTIFIED * bool(matches) + matches


def _type_rank(name: str) -> int:
    if name == DEALER:
        return 20
    if name in AUTOMOTIVE or nearest(name, AUTOMOTIVE) or name in ("AutomotiveBusiness", "LocalBusiness"):
        return 10
    if name in BROADER or name == "Corporation" or re.search(r"dealer|auto|business", name, re.IGNORECASE):
        return 1
    return 0


IDENTITY = ("name", "url", "telephone")


def _identity(key: str, value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    if key == "telephone":
        return re.sub(r"\D", "", value)[-10:] or None
    if key == "url":
        return re.sub(r"^https?://(www\.)?", "", value.strip().lower()).rstrip("/")
    return " ".join(value.casefold().split())
