"""Block elements: what may stand in an actions block or beside a section.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from opsloop_sandbox.json_value import JsonObject, as_object
from opsloop_sandbox.text_rules import Problems

SELECTS = ("static_select", "external_select", "users_select", "conversations_select", "channels_select")
MULTI_SELECTS = tuple(f"multi_{kind}" for kind in SELECTS)
CHOICES = ("overflow", "checkboxes", "radio_buttons")
PICKERS = ("datepicker", "timepicker", "datetimepicker")
INTERACTIVE = ("button", "workflow_button", *SELECTS, *CHOICES, *PICKERS)
TEXT_INPUTS = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
INPUTS = (*TEXT_INPUTS, *SELECTS, *MULTI_SELECTS, "checkboxes", "radio_buttons", *PICKERS)
MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10, "static_select": 100, "multi_static_select": 100}


def check_element(problems: Problems, element: JsonObject, pointer: str, allowed: tuple[str, ...]) -> None:
    kind = element.get("type")
    if kind not in allowed:
        problems.add(f"{pointer}/type", f"unsupported type: {kind}")
        return
    problems.string(element, "action_id", pointer, 255, optional=True)
    if element.get("confirm") is not None:
        _check_confirm(problems, element["confirm"], f"{pointer}/confirm")
    if kind == "button":
        _check_button(problems, element, pointer)
    elif kind == "image":
        check_image(problems, element, pointer)
    elif kind in MOST_OPTIONS and not (element.get("option_groups") and element.get("options") is None):
        options = problems.listing(element, "options", pointer, MOST_OPTIONS[str(kind)])
        for index, option in enumerate(options):
            problems.text_object(option, "text", f"{pointer}/options/{index}", 75)
            problems.string(option, "value", f"{pointer}/options/{index}", 150)


def _check_button(problems: Problems, button: JsonObject, pointer: str) -> None:
    problems.text_object(button, "text", pointer, 75, plain=True)
    problems.string(button, "value", pointer, 2000, optional=True)
    problems.string(button, "url", pointer, 3000, optional=True)
    problems.string(button, "accessibility_label", pointer, 75, optional=True)
    problems.one_of(button, "style", pointer, ("primary", "danger"))


def _check_confirm(problems: Problems, value: object, pointer: str) -> None:
    confirm = as_object(value)
    if confirm is None:
        problems.add(pointer, "must provide an object")
        return
    problems.text_object(confirm, "title", pointer, 100, plain=True)
    problems.text_object(confirm, "text", pointer, 300)
    problems.text_object(confirm, "confirm", pointer, 30, plain=True)
    problems.text_object(confirm, "deny", pointer, 30, plain=True)
    problems.one_of(confirm, "style", pointer, ("primary", "danger"))


def check_image(problems: Problems, image: JsonObject, pointer: str) -> None:
    problems.string(image, "alt_text", pointer, 2000)
    if as_object(image.get("slack_file")) is None:
        problems.string(image, "image_url", pointer, 3000)
