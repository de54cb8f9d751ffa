"""Blocks of a message: which are allowed, and within which limits.

https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Callable

from opsloop_sandbox.element_rules import INPUTS, INTERACTIVE, MULTI_SELECTS, check_element, check_image
from opsloop_sandbox.json_value import JsonObject, as_object, as_text
from opsloop_sandbox.text_rules import Problems

MOST_BLOCKS = 50
MARKDOWN_CHARACTERS = 12_000
TABLE_CHARACTERS = 10_000
TASK_STATUSES = ("pending", "in_progress", "complete", "error")
RICH_ELEMENTS = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")

Rule = Callable[[Problems, JsonObject, str], None]


def check_blocks(
    blocks: object,
    *,
    kinds: tuple[str, ...] | None = None,
    most: int = MOST_BLOCKS,
    pointer: str = "/blocks",
) -> list[str]:
    """What is wrong with blocks, as Slack's `response_metadata.messages`; `kinds` None = those of a message."""
    problems = Problems()
    if not isinstance(blocks, list):
        problems.add(pointer, "must be an array")
        return problems.messages
    if len(blocks) > most:
        problems.add(pointer, f"no more than {most} items allowed")
        return problems.messages
    for index, block in enumerate(blocks):
        _check_block(problems, block, f"{pointer}/{index}", kinds or MESSAGE_KINDS)
    _check_together(problems, [block for block in blocks if isinstance(block, dict)], pointer)
    return problems.messages


def _check_block(problems: Problems, value: object, pointer: str, allowed: tuple[str, ...] | None = None) -> None:
    block = as_object(value)
    if block is None:
        problems.add(pointer, "must provide an object")
        return
    kind = as_text(block.get("type"))
    rule = RULES.get(kind)
    if rule is None or (allowed is not None and kind not in allowed):
        problems.add(f"{pointer}/type", f"unsupported type: {block.get('type')}")
        return
    problems.string(block, "block_id", pointer, 255, optional=True)
    rule(problems, block, pointer)


def _check_together(problems: Problems, blocks: list[JsonObject], pointer: str) -> None:
    """What only the message as a whole can break: ids used twice, sums over all blocks, one of a kind."""
    seen: set[object] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id and block_id in seen:
            problems.add(f"{pointer}/{index}/block_id", f"`block_id` already exists: {block_id}")
        seen.add(block_id)
    kinds = [block.get("type") for block in blocks]
    if kinds.count("table") > 1:
        problems.add(pointer, "only_one_table_allowed")
    if "plan" in kinds and "task_card" in kinds:
        problems.add(pointer, "plan and task_card are mutually exclusive")
    if (
        sum(len(as_text(block.get("text"))) for block in blocks if block.get("type") == "markdown")
        > MARKDOWN_CHARACTERS
    ):
        problems.add(pointer, f"markdown must be less than {MARKDOWN_CHARACTERS + 1} characters in all")


def _section(problems: Problems, block: JsonObject, pointer: str) -> None:
    if block.get("text") is None and block.get("fields") is None:
        problems.add(pointer, "missing required field: text or fields")
    problems.text_object(block, "text", pointer, 3000, optional=True)
    if block.get("fields") is not None:
        for index, field in enumerate(problems.listing(block, "fields", pointer, 10)):
            problems.text_value(field, f"{pointer}/fields/{index}", 2000)
    accessory = block.get("accessory")
    if accessory is not None:
        check_element(
            problems, as_object(accessory) or {}, f"{pointer}/accessory", (*INTERACTIVE, *MULTI_SELECTS, "image")
        )


def _actions(problems: Problems, block: JsonObject, pointer: str) -> None:
    elements = problems.listing(block, "elements", pointer, 25)
    seen: set[object] = set()
    for index, element in enumerate(elements):
        here = f"{pointer}/elements/{index}"
        check_element(problems, element, here, INTERACTIVE)
        action_id = element.get("action_id")
        if action_id and action_id in seen:
            problems.add(f"{here}/action_id", f"`action_id` already exists for this block: {action_id}")
        seen.add(action_id)


def _context(problems: Problems, block: JsonObject, pointer: str) -> None:
    for index, element in enumerate(problems.listing(block, "elements", pointer, 10)):
        here = f"{pointer}/elements/{index}"
        if element.get("type") == "image":
            check_image(problems, element, here)
        else:
            problems.text_value(element, here, 2000)


def _context_actions(problems: Problems, block: JsonObject, pointer: str) -> None:
    for index, element in enumerate(problems.listing(block, "elements", pointer, 5)):
        check_element(problems, element, f"{pointer}/elements/{index}", ("feedback_buttons", "icon_button"))


def _divider(problems: Problems, block: JsonObject, pointer: str) -> None:
    if "text" in block:
        problems.add(f"{pointer}/text", "is not allowed")


def _header(problems: Problems, block: JsonObject, pointer: str) -> None:
    problems.text_object(block, "text", pointer, 150, plain=True)
    if block.get("level") is not None and block["level"] not in (1, 2, 3, 4):
        problems.add(f"{pointer}/level", "must be between 1 and 4")


def _image(problems: Problems, block: JsonObject, pointer: str) -> None:
    check_image(problems, block, pointer)
    problems.text_object(block, "title", pointer, 2000, plain=True, optional=True)


def _rich_text(problems: Problems, block: JsonObject, pointer: str) -> None:
    for index, element in enumerate(problems.listing(block, "elements", pointer, 1000)):
        here = f"{pointer}/elements/{index}"
        if element.get("type") not in RICH_ELEMENTS:
            problems.add(f"{here}/type", f"unsupported type: {element.get('type')}")
            continue
        inner = element.get("elements")
        if not isinstance(inner, list):
            problems.add(here, "missing required field: elements")
            continue
        for position, part in enumerate(inner):
            if isinstance(part, dict) and part.get("type") == "text" and not as_text(part.get("text")):
                problems.add(f"{here}/elements/{position}/text", "must be more than 0 characters")


def _markdown(problems: Problems, block: JsonObject, pointer: str) -> None:
    problems.string(block, "text", pointer, MARKDOWN_CHARACTERS)


def _plan(problems: Problems, block: JsonObject, pointer: str) -> None:
    problems.string(block, "title", pointer, 3000)
    tasks = problems.listing(block, "tasks", pointer, 50)
    ids = [task.get("task_id") for task in tasks]
    for index, task in enumerate(tasks):
        here = f"{pointer}/tasks/{index}"
        if ids.index(task.get("task_id")) != index:
            problems.add(f"{here}/task_id", "`task_id` already exists")
        _task(problems, task, here, TASK_STATUSES)


def _task_card(problems: Problems, block: JsonObject, pointer: str) -> None:
    _task(problems, block, pointer, TASK_STATUSES[1:])  # `pending` is refused outside a plan


def _task(problems: Problems, task: JsonObject, pointer: str, statuses: tuple[str, ...]) -> None:
    problems.string(task, "task_id", pointer, 255)
    problems.string(task, "title", pointer, 3000)
    problems.one_of(task, "status", pointer, statuses)
    for name in ("details", "output"):
        if task.get(name) is not None:
            _check_block(problems, task[name], f"{pointer}/{name}", ("rich_text",))


def _table(problems: Problems, block: JsonObject, pointer: str) -> None:
    rows = block.get("rows")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        problems.add(pointer, "missing required field: rows")
        return
    if len(rows) > 100:
        problems.add(f"{pointer}/rows", "no more than 100 items allowed")
    for index, row in enumerate(rows):
        if len(row) > 20:
            problems.add(f"{pointer}/rows/{index}", "no more than 20 items allowed")
    cells = [cell for row in rows for cell in row if isinstance(cell, dict)]
    if sum(len(as_text(cell.get("text"))) for cell in cells) > TABLE_CHARACTERS:
        problems.add(f"{pointer}/rows", f"must be less than {TABLE_CHARACTERS + 1} characters in all")


CONTAINED = ("actions", "context", "divider", "file", "header", "image", "rich_text", "section", "table", "video")


def _container(problems: Problems, block: JsonObject, pointer: str) -> None:
    for index, child in enumerate(problems.listing(block, "child_blocks", pointer, 10)):
        _check_block(problems, child, f"{pointer}/child_blocks/{index}", CONTAINED)


def _input(problems: Problems, block: JsonObject, pointer: str) -> None:
    problems.text_object(block, "label", pointer, 2000, plain=True)
    problems.text_object(block, "hint", pointer, 2000, plain=True, optional=True)
    element = as_object(block.get("element"))
    if element is None:
        problems.add(pointer, "missing required field: element")
        return
    check_element(problems, element, f"{pointer}/element", INPUTS)


RULES: dict[str, Rule] = {
    "section": _section,
    "actions": _actions,
    "context": _context,
    "context_actions": _context_actions,
    "divider": _divider,
    "header": _header,
    "image": _image,
    "rich_text": _rich_text,
    "markdown": _markdown,
    "plan": _plan,
    "task_card": _task_card,
    "table": _table,
    "container": _container,
    "input": _input,
}
MESSAGE_KINDS = tuple(kind for kind in RULES if kind != "input")
VIEW_KINDS = ("section", "actions", "context", "divider", "header", "image", "input", "rich_text")
