"""A web page of reviews: schema.org's Review as microdata or as JSON-LD, and the address of the next page. Pure."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from extruct.utils import parse_html

from opsloop_dealership.document import Node, as_items, as_node, types_of
from opsloop_dealership.extract import CONTROLS, extract
from opsloop_dealership.reviews.review import MAX_TEXT, Review, read_review

SOURCE = "page"
REVIEW_TYPE = re.compile(r"^https?://(?:www\.)?schema\.org/(?:User|Critic|Employer)?Review/?$", re.IGNORECASE)
MAX_ITEM_DEPTH = 4
VALUE_IN = {"meta": "content", "a": "href", "link": "href", "time": "datetime", "data": "value", "img": "src"}


class ReviewPage(msgspec.Struct, frozen=True, kw_only=True):
    """`next_link` is as the page has it, perhaps relative; empty on the last page."""

    reviews: tuple[Review, ...]
    next_link: str = ""


def read_review_page(text: str, base_url: str, already: int = 0) -> ReviewPage:
    """The page's reviews; microdata counts when both notations are there. `already` were found on pages before it."""
    nodes, next_link = _look_through(text)
    nodes = nodes or list(_from_json_ld(text))
    reviews = tuple(
        read_review(node, source=SOURCE, number=already + number, base_url=base_url)
        for number, node in enumerate(nodes, 1)
    )
    return ReviewPage(reviews=reviews, next_link=next_link)


def _look_through(text: str) -> tuple[list[Node], str]:
    """The microdata of all reviews and the next page's link. The one place that handles lxml's untyped elements."""
    tree: Any = parse_html(f"<!doctype html><html>{CONTROLS.sub(' ', text)}".encode("utf-8", "replace"), "utf-8")
    nodes: list[Node] = []
    next_link = ""
    for element in tree.iter("*"):
        if element.tag in ("link", "a") and "next" in (element.get("rel") or "").lower().split():
            next_link = next_link or (element.get("href") or "").strip()
        if REVIEW_TYPE.match((element.get("itemtype") or "").strip()):
            nodes.append(_item(element, MAX_ITEM_DEPTH))
    return nodes, next_link


def _item(element: Any, depth: int) -> Node:
    node: Node = {"@id": element.get("itemid")} if element.get("itemid") else {}
    waiting = list(reversed(element))
    while waiting:
        child = waiting.pop()
        if not isinstance(child.tag, str):  # a comment
            continue
        is_item = child.get("itemscope") is not None
        for name in (child.get("itemprop") or "").split():
            if name not in node and depth > 0:
                node[name] = _item(child, depth - 1) if is_item else _value(child)
        if not is_item:
            waiting += reversed(child)
    return node


def _value(element: Any) -> str:
    told = element.get("content") or element.get(VALUE_IN.get(element.tag, "content"))
    return str(told) if told else "".join(element.itertext())[: 2 * MAX_TEXT]


def _from_json_ld(text: str) -> Iterator[Node]:
    waiting: list[object] = [document for script in extract(text) for document in script.documents]
    waiting.reverse()
    while waiting:
        node = as_node(waiting.pop())
        if node is None:
            continue
        if any(one.endswith("Review") for one in types_of(node)):
            yield node
            continue
        waiting += [item for value in reversed(node.values()) for item in reversed(as_items(value))]
