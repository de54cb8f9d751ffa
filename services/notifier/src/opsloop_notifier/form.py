"""The form of a task's parameters, as a modal of Slack's. Pure.

https://docs.slack.dev/reference/views/modal-views, https://docs.slack.dev/reference/block-kit/block-elements
"""

import math

from msgspec.structs import replace

from opsloop_common import codec
from opsloop_common.catalogue import TaskType
from opsloop_common.forms import FormOpen
from opsloop_common.params import LONGEST_VALUE, Param
from opsloop_common.signing import sign
from opsloop_common.task import Target
from opsloop_notifier.message import SECTION_LIMIT, Block, section
from opsloop_notifier.style import Style

CALLBACK = "params."
ACTION = "value"
TITLE_LIMIT = 24
_PURPOSE = "form"
_LABEL = 200
_HINT = 500
_NAME = 80
_OPTION_LABEL = 75
_OPTION_VALUE = 150
_MOST_OPTIONS = 100


def modal(asked: FormOpen, task: TaskType, target: Target | None, style: Style) -> Block:
    """One field for each parameter; the block of a field is named by its parameter, so that errors find it."""
    return {
        "type": "modal",
        "callback_id": f"{CALLBACK}{task.name}",
        "private_metadata": sealed(asked, style.secrets),
        "title": _plain(style.pen.plain(task.title, TITLE_LIMIT) or "Parameters"),
        "submit": _plain("Run"),
        "close": _plain("Cancel"),
        "blocks": [
            *_about(task, target, style),
            *(_field(name, param, style) for name, param in task.params.items()),
        ],
    }


def sealed(asked: FormOpen, secrets: tuple[str, ...]) -> str:
    """What comes back with the form and says what it was opened for: signed, for it comes through somebody's client."""
    text = codec.encode(replace(asked, trigger_id="")).decode()
    return f"{sign(secrets, _PURPOSE, text)}.{text}"


def _about(task: TaskType, target: Target | None, style: Style) -> list[Block]:
    """What is about to run, and where, as far as it is known."""
    where = f"*{style.pen.line(target.title or target.name, _NAME)}*" if target else ""
    about = style.pen.line(task.description, SECTION_LIMIT - _NAME - 20)
    text = "\n".join(part for part in (where, about) if part)
    return [section(text)] if text else []


def _field(name: str, param: Param, style: Style) -> Block:
    hint = style.pen.plain(param.hint, _HINT)
    field: Block = {
        "type": "input",
        "block_id": name,
        "label": _plain(style.pen.plain(param.title, _LABEL) or name),
        # Left empty, a field with a default stands for it.
        "optional": bool(param.default),
        "element": {"action_id": ACTION, **_element(param, style)},
    }
    return {**field, "hint": _plain(hint)} if hint else field


def _element(param: Param, style: Style) -> Block:
    if param.kind == "number":
        return _number(param)
    if param.kind == "choice" and _is_selectable(param.choices):
        return _select(param, style)
    # Slack's selects take a hundred short choices; what does not fit is typed, and checked all the same.
    text: Block = {"type": "plain_text_input", "max_length": LONGEST_VALUE}
    return {**text, "initial_value": param.default[:LONGEST_VALUE]} if param.default else text


def _number(param: Param) -> Block:
    element: Block = {"type": "number_input", "is_decimal_allowed": True}
    if math.isfinite(param.minimum):
        element["min_value"] = _digits(param.minimum)
    if math.isfinite(param.maximum):
        element["max_value"] = _digits(param.maximum)
    if param.default:
        element["initial_value"] = _digits(float(param.default))
    return element


def _select(param: Param, style: Style) -> Block:
    options: dict[str, Block] = {
        choice: {"text": _plain(style.pen.plain(choice, _OPTION_LABEL)), "value": choice} for choice in param.choices
    }
    element: Block = {"type": "static_select", "options": list(options.values())}
    return {**element, "initial_option": options[param.default]} if param.default in options else element


def _is_selectable(choices: tuple[str, ...]) -> bool:
    fits = all(choice.strip() and len(choice) <= _OPTION_VALUE for choice in choices)
    return fits and 0 < len(choices) <= _MOST_OPTIONS


def _digits(number: float) -> str:
    """Without an exponent, which a field for numbers does not take."""
    return f"{number:f}".rstrip("0").rstrip(".")


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}
