"""Takes the JSON-LD out of a page, and forgives what sites do to it.

A script that strict JSON readers refuse (comments, trailing commas, HTML entities) is still read, but its fault is
told: search engines skip it. What cannot be read at all is kept as the text it is.
"""

import html
import json
import re
from typing import Any

import msgspec
from extruct.jsonld import JsonLdExtractor
from extruct.utils import parse_html

from opsloop_dealership.document import Node, as_node, plain

JSON_LD = "application/ld+json"
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
WRAPPERS = ("//<![CDATA[", "/*<![CDATA[*/", "<![CDATA[", "<!--", "//]]>", "/*]]>*/", "]]>", "//-->", "-->", ";")
MAX_SCRIPTS = 200
# extruct raises whatever its JSON readers raise; these are all they have on bad input.
UNREADABLE = (ValueError, IndexError, RecursionError)


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON-LD script of a page. `fault` says why strict readers refuse it; `raw` is kept when it is unreadable."""

    documents: tuple[Node, ...] = ()
    fault: str | None = None
    raw: str | None = None


def extract(page: str) -> tuple[Script, ...]:
    """The page's JSON-LD scripts in their order, the first 200, without empty ones. Never raises on bad input."""
    return tuple(_script(text, values) for text, values in _scripts(page))


def _script(text: str, values: list[object] | None) -> Script:
    fault = strict_fault(text)
    if values is None:
        return Script(raw=_utf8(text), fault=fault or "it is not JSON")
    try:
        nodes = tuple(node for node in (as_node(plain(value)) for value in values) if node is not None)
    except ValueError as error:
        return Script(raw=_utf8(text), fault=str(error))
    if not nodes:
        return Script(raw=_utf8(text), fault="it holds no object")
    return Script(documents=nodes, fault=fault)


def strict_fault(text: str) -> str | None:
    """Why a strict JSON reader refuses `text`, or None."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg} in line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        return "it is not JSON"
    return None


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _scripts(page: str) -> list[tuple[str, list[object] | None]]:
    """Each script's text and its values, None when unreadable. The one place that handles extruct's untyped values."""
    extractor: Any = JsonLdExtractor()
    # The prefix keeps the parser from refusing a page without a single element.
    tree: Any = parse_html(f"<!doctype html><html>{CONTROLS.sub(' ', page)}".encode("utf-8", "replace"), "utf-8")
    found: list[tuple[str, list[object] | None]] = []
    for element in tree.iter("script"):
        if (element.get("type") or "").partition(";")[0].strip().lower() != JSON_LD:
            continue
        text = str(element.text or "")
        if not text.strip():
            continue
        if len(found) == MAX_SCRIPTS:
            break
        element.set("type", JSON_LD)
        values = _values(extractor, element)
        if values is None:
            element.text = _unwrapped(text)
            values = _values(extractor, element)
        found.append((text, values))
    return found


def _unwrapped(text: str) -> str:
    """The text without what hides it from JSON readers: entities, CDATA and comment marks, a last semicolon."""
    text = html.unescape(text).strip()
    for mark in WRAPPERS:
        text = text.removeprefix(mark).removesuffix(mark).strip()
    return text


def _values(extractor: Any, element: Any) -> list[object] | None:
    try:
        return list(extractor.extract_items(element))
    except UNREADABLE:
        return None
