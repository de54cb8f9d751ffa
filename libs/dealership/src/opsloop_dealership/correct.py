"""Builds the corrected document from what was found and from the dealer's profile. Pure.

The profile wins; correct properties that it does not name stay; misspelt and superseded names are renamed where their
values are good; everything else goes.
"""

from collections.abc import Mapping

from opsloop_dealership.document import Node, as_items, as_node, covers, plain, types_of, without_entities
from opsloop_dealership.problem import Problem, errors, shown
from opsloop_dealership.shapes import CHECKS
from opsloop_dealership.validate import has_foreign_type, names_schema_org, property_problems, value_problems
from opsloop_dealership.vocabulary import DEALER, NODE_PROPERTIES, PROPERTIES, SUPERSEDED, TYPES, is_foreign, nearest

MAX_CHANGES = 100
SCHEMA_ORG = "https://schema.org"
NODE_TYPES = {
    "address": "PostalAddress",
    "geo": "GeoCoordinates",
    "openingHoursSpecification": "OpeningHoursSpecification",
    "specialOpeningHoursSpecification": "OpeningHoursSpecification",
}


def wanted_from(profile: Mapping[str, object]) -> Node:
    """The properties that a profile asks for, typed as schema.org wants them."""
    wanted: Node = {}
    for name, value in profile.items():
        items = [_typed(name, item) for item in as_items(plain(value))]
        wanted[name] = items[0] if len(items) == 1 else items
    return wanted


def _typed(name: str, value: object) -> object:
    node = as_node(value)
    if name in NODE_TYPES and node is not None:
        return {"@type": NODE_TYPES[name], **node}
    return {"@type": "Brand", "name": value} if name == "brand" and isinstance(value, str) else value


def differences(found: Node, wanted: Node, known: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Where the page says something else than the profile, beyond the problems `known` already."""
    told = {problem.path.partition(".")[0].partition("[")[0] for problem in known}
    names = [name for name in wanted if name not in told and not covers(found.get(name), wanted[name])]
    return tuple(_difference(name, found.get(name), wanted[name]) for name in names)


def _difference(name: str, found: object, wanted: object) -> Problem:
    told = "is missing" if found is None else f"is {shown(brief(found))}"
    sentence = f"{name} {told}; the catalogue says {shown(brief(wanted))}"
    return Problem(code="differs_from_profile", path=name, sentence=sentence)


def brief(value: object) -> str:
    """A value in a few words: the texts in it, without its structure."""
    if isinstance(value, dict):
        return ", ".join(brief(item) for key, item in value.items() if not str(key).startswith("@"))
    if isinstance(value, list):
        return "; ".join(brief(item) for item in value)
    return str(value)


def corrected(found: Node, wanted: Node) -> Node:
    """The dealer's node as it should be; the order of what stays is kept."""
    node: Node = {"@type": _types(found)}
    foreign_types = has_foreign_type(found)
    for name, value in found.items():
        if name == "@type":
            continue
        if name in wanted:
            node[name] = _merged(name, without_entities(value), wanted[name])
        elif is_foreign(name):
            node[name] = value
        elif (target := _target(name, found, foreign_types)) and target not in wanted:
            _keep(node, target, without_entities(value), wanted)
    return {**node, **{name: value for name, value in wanted.items() if name not in node}}


def _types(found: Node) -> object:
    """The found types when they name a dealer; unknown ones that look like a misspelling of a known one go."""
    if DEALER not in types_of(found):
        return DEALER
    kept = [name for name in types_of(found) if name in TYPES or not nearest(name, TYPES)]
    return kept[0] if len(kept) == 1 else kept


def _target(name: str, found: Node, foreign_types: bool) -> str | None:
    """The property under which a found value stays; None when it goes."""
    if name in PROPERTIES:
        return name
    target = SUPERSEDED.get(name) or nearest(name, PROPERTIES)
    if target is None:
        return name if foreign_types else None
    return None if target in found else target


def _keep(node: Node, name: str, value: object, wanted: Node) -> None:
    items = [item for item in as_items(value) if _is_good(name, item) and not _overruled(name, item, wanted)]
    if items:
        node[name] = items if isinstance(value, list) else items[0]


def _is_good(name: str, item: object) -> bool:
    return not errors(tuple(value_problems(name, item)))


def _overruled(name: str, item: object, wanted: Node) -> bool:
    """Regular hours are said in one way only: those of the profile. Hours of a season stay."""
    if name == "openingHours":
        return "openingHoursSpecification" in wanted
    seasonal = "validFrom" in (as_node(item) or {}) or "validThrough" in (as_node(item) or {})
    return name == "openingHoursSpecification" and "openingHours" in wanted and not seasonal


def _merged(name: str, found: object, wanted: object) -> object:
    """The found value when it says what the profile says; else the profile's, with the good rest of a found node."""
    if covers(found, wanted) and not errors(tuple(property_problems(name, found))):
        return found
    inner, asked = as_node(found), as_node(wanted)
    if inner is None or asked is None or name not in NODE_TYPES:
        return wanted
    allowed = NODE_PROPERTIES[NODE_TYPES[name]]
    extra = {key: value for key, value in inner.items() if key not in asked and (key in allowed or is_foreign(key))}
    good = {key: value for key, value in extra.items() if not errors(tuple(CHECKS[name]({**asked, key: value}, name)))}
    return {**asked, **good}


def context_for(found: object) -> object:
    """An `@context` that names schema.org and keeps other vocabularies."""
    if names_schema_org(found):
        return found
    others = [item for item in as_items(found) if as_node(item)]
    return [SCHEMA_ORG, *others] if others else SCHEMA_ORG


def changes(before: Node, after: Node) -> tuple[str, ...]:
    """What changed from one node to the other, a line for each property, 100 at most."""
    lines = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if name not in after:
            lines.append(f"removed {shown(name)}: {shown(brief(old))}")
        elif name not in before:
            lines.append(f"set {shown(name)}: {shown(brief(new))}")
        elif old != new:
            lines.append(f"changed {shown(name)}: {shown(brief(old))} → {shown(brief(new))}")
    return tuple(lines[:MAX_CHANGES])
