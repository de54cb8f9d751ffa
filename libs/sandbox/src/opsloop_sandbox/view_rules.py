"""Modals and homes: what a view may say, and within which limits.

https://docs.slack.dev/reference/views/modal-views, https://docs.slack.dev/surfaces/modals
"""

from opsloop_sandbox.block_rules import VIEW_KINDS, check_blocks
from opsloop_sandbox.json_value import JsonObject, as_object, as_objects
from opsloop_sandbox.text_rules import Problems

MOST_BLOCKS = 100
LONGEST_TITLE = 24


def check_view(value: object, *types: str) -> list[str]:
    """What is wrong with a view of one of these types, as Slack's `response_metadata.messages`."""
    problems = Problems()
    view = as_object(value)
    if view is None:
        problems.add("/view", "must provide an object")
        return problems.messages
    if view.get("type") not in types:
        problems.add("/view/type", f"must be one of {', '.join(types)}")
    if view.get("type") == "modal":
        _check_frame(problems, view)
    problems.string(view, "private_metadata", "/view", 3000, optional=True)
    problems.string(view, "callback_id", "/view", 255, optional=True)
    problems.string(view, "external_id", "/view", 255, optional=True)
    found = check_blocks(view.get("blocks"), kinds=VIEW_KINDS, most=MOST_BLOCKS, pointer="/view/blocks")
    return [*problems.messages, *found]


def _check_frame(problems: Problems, view: JsonObject) -> None:
    problems.text_object(view, "title", "/view", LONGEST_TITLE, plain=True)
    for name in ("submit", "close"):
        problems.text_object(view, name, "/view", LONGEST_TITLE, plain=True, optional=True)
    has_input = any(block.get("type") == "input" for block in as_objects(view.get("blocks")))
    if has_input and view.get("submit") is None:
        problems.add("/view/submit", "missing required field: submit")
