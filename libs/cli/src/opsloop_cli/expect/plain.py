"""Slack messages as plain text, the way a person would read them out. Pure."""

import html
import re
from collections.abc import Iterator

from opsloop_sandbox.contract import SeenMessage
from opsloop_sandbox.json_value import JsonObject

_LINK = re.compile(r"<[^<>|]+\|([^<>]*)>")
_DATE = re.compile(r"<!date\^[^<>|]*\|([^<>]*)>")
_BARE = re.compile(r"<([@#!]?)([^<>|]+)>")


def message(seen: SeenMessage) -> str:
    """The message's blocks, or its text where it has none; notices of the client last."""
    lines = [line for block in seen.blocks for line in _block(block)] or mrkdwn(seen.text).splitlines()
    return "\n".join([*lines, *(f"(Slack: {notice})" for notice in seen.notices)])


def mrkdwn(text: str) -> str:
    """Links as their labels, entities as characters; stars and backticks stay as they are."""
    shown = _BARE.sub(r"\1\2", _LINK.sub(r"\1", _DATE.sub(r"\1", text)))
    return html.unescape(shown)


def _block(block: JsonObject) -> Iterator[str]:
    match block.get("type"):
        case "divider":
            yield "---"
        case "actions":
            yield "  ".join(_element(element) for element in _objects(block.get("elements")))
        case "context":
            yield "  ".join(_element(element) for element in _objects(block.get("elements")))
        case "image":
            yield f"(image: {block.get('alt_text', '')})"
        case "section" | "header":
            yield from _section(block)
        case other:
            yield f"({other})"


def _section(block: JsonObject) -> Iterator[str]:
    if isinstance(text := block.get("text"), dict):
        yield from _element(text).splitlines()
    for field in _objects(block.get("fields")):
        yield from _element(field).splitlines()
    if isinstance(accessory := block.get("accessory"), dict):
        yield _element(accessory)


def _element(element: JsonObject) -> str:
    text = element.get("text")
    match element.get("type"):
        case "button":
            return f"[ {_element(text) if isinstance(text, dict) else ''} ]"
        case "mrkdwn":
            return mrkdwn(str(text))
        case "plain_text":
            return html.unescape(str(text))
        case "image":
            return f"(image: {element.get('alt_text', '')})"
        case other:
            return f"({other})"


def _objects(value: object) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
