"""Block validation: what Slack documents as too much, too long or not allowed."""

from typing import Any

import pytest

from opsloop_sandbox.block_rules import check_blocks


def text(length: int = 1, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": kind, "text": "x" * length}


def section(**changes: Any) -> dict[str, Any]:
    return {"type": "section", "text": text()} | changes


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": text(kind="plain_text"), "action_id": "a"} | changes


def actions(*elements: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)} | changes


def plan(*statuses: str) -> dict[str, Any]:
    tasks = [{"task_id": str(n), "title": "t", "status": status} for n, status in enumerate(statuses)]
    return {"type": "plan", "title": "p", "tasks": tasks}


CONFIRM = {name: text(30, "plain_text") for name in ("title", "text", "confirm", "deny")}
PREFORMATTED = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "log"}]}

GOOD = {
    "largest section": section(text=text(3000), fields=[text(2000)] * 10),
    "largest button": actions(button(text=text(75, "plain_text"), value="v" * 2000, url="u" * 3000, confirm=CONFIRM)),
    "25 buttons": actions(*[button(action_id=str(n)) for n in range(25)]),
    "context": {"type": "context", "elements": [text()] * 10},
    "header": {"type": "header", "text": text(150, "plain_text"), "level": 2},
    "divider": {"type": "divider"},
    "image": {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "a"},
    "rich text": {"type": "rich_text", "elements": [PREFORMATTED]},
    "markdown": {"type": "markdown", "text": "m" * 12000},
    "plan": plan("pending", "in_progress", "complete", "error"),
    "task card": {"type": "task_card", "task_id": "1", "title": "t", "status": "complete"},
    "table": {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 20] * 100},
}

BAD = {
    "no text": (section(text=None), "/blocks/0"),
    "empty text": (section(text=text(0)), "/blocks/0/text/text"),
    "text too long": (section(text=text(3001)), "/blocks/0/text/text"),
    "bare string": (section(text="x"), "/blocks/0/text"),
    "11 fields": (section(fields=[text()] * 11), "/blocks/0/fields"),
    "long block_id": (section(block_id="b" * 256), "/blocks/0/block_id"),
    "mrkdwn in a header": ({"type": "header", "text": text()}, "/blocks/0/text/type"),
    "mrkdwn on a button": (actions(button(text=text())), "/blocks/0/elements/0/text/type"),
    "long button": (actions(button(text=text(76, "plain_text"))), "/blocks/0/elements/0/text/text"),
    "long value": (actions(button(value="v" * 2001)), "/blocks/0/elements/0/value"),
    "bad style": (actions(button(style="big")), "/blocks/0/elements/0/style"),
    "same action_id": (actions(button(), button()), "/blocks/0/elements/1/action_id"),
    "no elements": (actions(), "/blocks/0/elements"),
    "26 buttons": (actions(*[button(action_id=str(n)) for n in range(26)]), "/blocks/0/elements"),
    "long confirm": (actions(button(confirm=CONFIRM | {"deny": text(31, "plain_text")})), "/confirm/deny/text"),
    "input": ({"type": "input", "label": text(kind="plain_text")}, "/blocks/0/type"),
    "alert": ({"type": "alert", "text": "x"}, "/blocks/0/type"),
    "invented": ({"type": "sparkle"}, "/blocks/0/type"),
    "pending card": ({"type": "task_card", "task_id": "1", "title": "t", "status": "pending"}, "/blocks/0/status"),
    "unknown status": (plan("done"), "/blocks/0/tasks/0/status"),
    "plan title object": (plan("pending") | {"title": text()}, "/blocks/0/title"),
    "long markdown": ({"type": "markdown", "text": "m" * 12001}, "/blocks/0/text"),
    "wide table": ({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 21]}, "/blocks/0/rows/0"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_block_within_its_limits_is_accepted(name: str) -> None:
    """What stands exactly at the documented limit passes."""
    assert check_blocks([GOOD[name]]) == []


@pytest.mark.parametrize("name", BAD)
def test_a_block_over_its_limits_is_refused_with_a_pointer(name: str) -> None:
    """One step over the limit, or of the wrong kind, is reported at the place where it is wrong."""
    block, pointer = BAD[name]

    problems = check_blocks([block])

    assert any(f"{pointer}]" in problem for problem in problems), problems


def test_a_message_as_a_whole_has_limits() -> None:
    """51 blocks, one block_id twice, two tables, and a plan beside a task card are refused."""
    table = GOOD["table"]

    assert check_blocks([{"type": "divider"}] * 50) == []
    assert check_blocks([{"type": "divider"}] * 51)
    assert check_blocks([section(block_id="b"), section(block_id="b")])
    assert check_blocks([table, table])
    assert check_blocks([GOOD["plan"], GOOD["task card"]])
    assert check_blocks([None])
    assert check_blocks({"type": "section"})
