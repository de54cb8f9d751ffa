"""The shapes that values of a dealer's properties must have, as a table from property to check."""

import re
from collections.abc import Callable, Iterator
from types import MappingProxyType
from urllib.parse import urlsplit

from opsloop_dealership.document import Node, as_items, as_node, types_of
from opsloop_dealership.problem import Problem, Weight, shown
from opsloop_dealership.vocabulary import (
    ADDRESS_RECOMMENDED,
    ADDRESS_REQUIRED,
    DAYS,
    NODE_PROPERTIES,
    is_foreign,
    nearest,
)

Check = Callable[[object, str], Iterator[Problem]]

_DAY = r"(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_DAYS = rf"{_DAY}(?:-{_DAY})?(?:,\s?{_DAY}(?:-{_DAY})?)*"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d|24:00"
HOURS_TEXT = re.compile(rf"{_DAYS}(?:\s(?:{_CLOCK})-(?:{_CLOCK})(?:,\s?(?:{_CLOCK})-(?:{_CLOCK}))*)?")
CLOCK = re.compile(rf"(?:{_CLOCK})(?::[0-5]\d)?(?:Z|[+-]\d\d:\d\d)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T.*)?")
PHONE = re.compile(r"\+?[\d\s().\-/]+(?:(?:x|ext\.?|;ext=)\s?\d+)?", re.IGNORECASE)
EMAIL = re.compile(r"(?:mailto:)?[^@\s]+@[^@\s]+\.[^@\s]+")
PRICE_RANGE_MAX = 100
LINE_MAX = 254  # longer telephone numbers, e-mail addresses and hours are not matched at all


def _wrong(path: str, sentence: str, code: str = "wrong_value") -> Iterator[Problem]:
    yield Problem(code=code, path=path, sentence=sentence)


def text(value: object, path: str) -> Iterator[Problem]:
    if not (isinstance(value, str) and value.strip()):
        yield from _wrong(path, f"{path} is not a text: {shown(value)}")


def url(value: object, path: str) -> Iterator[Problem]:
    if not (isinstance(value, str) and is_absolute(value)):
        yield from _wrong(path, f"{path} is not an absolute URL: {shown(value)}")


def _matches(shape: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and len(value) <= LINE_MAX and shape.fullmatch(value.strip()) is not None


def is_absolute(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", value)
    except ValueError:
        return False


def media(value: object, path: str) -> Iterator[Problem]:
    node = as_node(value)
    if node is None:
        yield from url(value, path)
    elif not any(key in node for key in ("url", "contentUrl", "@id")):
        yield from _wrong(path, f"{path} has no url", "missing_value")


def telephone(value: object, path: str) -> Iterator[Problem]:
    digits = re.sub(r"\D", "", value) if isinstance(value, str) else ""
    if not (_matches(PHONE, value) and 7 <= len(digits) <= 20):
        yield from _wrong(path, f"{path} is not a telephone number: {shown(value)}")
    elif not str(value).strip().startswith("+"):
        sentence = f"{path} lacks the country code: {shown(value)}"
        yield Problem(code="no_country_code", path=path, sentence=sentence, weight="advice")


def email(value: object, path: str) -> Iterator[Problem]:
    if not _matches(EMAIL, value):
        yield from _wrong(path, f"{path} is not an e-mail address: {shown(value)}")


def price_range(value: object, path: str) -> Iterator[Problem]:
    if not (isinstance(value, str) and 0 < len(value.strip()) < PRICE_RANGE_MAX):
        yield from _wrong(path, f"{path} is not a text of less than {PRICE_RANGE_MAX} characters: {shown(value)}")


def opening_hours(value: object, path: str) -> Iterator[Problem]:
    if not _matches(HOURS_TEXT, value):
        yield from _wrong(path, f"{path} is not written like 'Mo-Fr 09:00-20:00': {shown(value)}")


def opening_specification(value: object, path: str) -> Iterator[Problem]:
    node = as_node(value)
    if node is None:
        yield from _wrong(path, f"{path} is not an OpeningHoursSpecification: {shown(value)}")
        return
    yield from members(node, "OpeningHoursSpecification", path)
    for day in as_items(node.get("dayOfWeek", [])):
        if not (isinstance(day, str) and day.rsplit("/", 1)[-1].removeprefix("schema:") in DAYS):
            yield from _wrong(f"{path}.dayOfWeek", f"{path}.dayOfWeek is not a day such as Monday: {shown(day)}")
    for key, shape in (("opens", CLOCK), ("closes", CLOCK), ("validFrom", DATE), ("validThrough", DATE)):
        if key in node and not _matches(shape, node[key]):
            yield from _wrong(f"{path}.{key}", f"{path}.{key} is not written like ISO 8601: {shown(node[key])}")
    if "dayOfWeek" not in node and "validFrom" not in node:
        yield from _wrong(f"{path}.dayOfWeek", f"{path} names no dayOfWeek", "missing_value")


def coordinate(limit: float) -> Check:
    """A check for degrees from -`limit` to `limit`, as a number or a numeric text."""

    def check(value: object, path: str) -> Iterator[Problem]:
        try:
            good = not isinstance(value, bool) and abs(float(str(value))) <= limit
        except ValueError:
            good = False
        if not good:
            yield from _wrong(path, f"{path} is not a number between -{limit:g} and {limit:g}: {shown(value)}")

    return check


def geo(value: object, path: str) -> Iterator[Problem]:
    node = as_node(value)
    if node is None:
        yield from _wrong(path, f"{path} is not GeoCoordinates: {shown(value)}")
    elif "GeoShape" not in types_of(node) and not is_reference(node):
        yield from members(node, "GeoCoordinates", path)
        for key, limit in (("latitude", 90.0), ("longitude", 180.0)):
            if key in node:
                yield from coordinate(limit)(node[key], f"{path}.{key}")
            else:
                yield from _wrong(f"{path}.{key}", f"{path}.{key} is missing", "missing_value")


def address(value: object, path: str) -> Iterator[Problem]:
    node = as_node(value)
    if node is None:
        yield from _wrong(path, f"{path} is not a PostalAddress: {shown(value)}")
    elif not is_reference(node):
        yield from members(node, "PostalAddress", path)
        yield from _address_parts(node, path)


def _address_parts(node: Node, path: str) -> Iterator[Problem]:
    for key in ADDRESS_REQUIRED + ADDRESS_RECOMMENDED:
        where = f"{path}.{key}"
        if not node.get(key):
            weight: Weight = "error" if key in ADDRESS_REQUIRED else "advice"
            yield Problem(code="missing_value", path=where, sentence=f"{where} is missing", weight=weight)
        elif key == "addressCountry" and as_node(node[key]):
            continue
        elif not (key == "postalCode" and isinstance(node[key], int)):
            yield from text(node[key], where)


def members(node: Node, expected: str, path: str) -> Iterator[Problem]:
    """A nested node's type and the names of its properties."""
    if expected not in types_of(node):
        told = ", ".join(types_of(node)) or "no type"
        yield from _wrong(f"{path}.@type", f"{path} is not typed {expected} but {shown(told)}", "wrong_type")
    for name in node:
        if not is_foreign(name) and name not in NODE_PROPERTIES[expected]:
            hint = nearest(name, NODE_PROPERTIES[expected])
            also = f"; did you mean {hint}?" if hint else ""
            sentence = f"{path}.{shown(name)} is not a property of {expected}{also}"
            yield from _wrong(f"{path}.{shown(name)}", sentence, "unknown_property")


def is_reference(node: Node) -> bool:
    """Whether the node only points at another one."""
    return set(node) == {"@id"}


CHECKS: MappingProxyType[str, Check] = MappingProxyType(
    {
        "name": text,
        "legalName": text,
        "description": text,
        "url": url,
        "sameAs": url,
        "image": media,
        "logo": media,
        "photo": media,
        "telephone": telephone,
        "faxNumber": telephone,
        "email": email,
        "priceRange": price_range,
        "openingHours": opening_hours,
        "openingHoursSpecification": opening_specification,
        "specialOpeningHoursSpecification": opening_specification,
        "address": address,
        "geo": geo,
        "latitude": coordinate(90.0),
        "longitude": coordinate(180.0),
    }
)
