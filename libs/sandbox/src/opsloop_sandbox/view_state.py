"""What was filled into a view, as Slack reports it in `state.values`. Pure.

https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from opsloop_sandbox.json_value import JsonObject, as_object, as_objects, as_text, walk

Filled: TypeAlias = Mapping[str, Mapping[str, str | list[str] | None]]
"""block_id -> action_id -> text, the value of an option, or the values of several."""

REQUIRED = "Please complete this required field."
ONE_OPTION = ("static_select", "external_select", "radio_buttons")
MANY_OPTIONS = ("checkboxes", "multi_static_select", "multi_external_select")
PLAIN = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
}


def inputs(blocks: list[JsonObject]) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Every input block with its element."""
    for block in blocks:
        element = as_object(block.get("element"))
        if block.get("type") == "input" and element is not None:
            yield block, element


def missing(blocks: list[JsonObject], filled: Filled) -> dict[str, str]:
    """What Slack itself refuses before the app is asked: block_id -> what to show there."""
    return {
        as_text(block["block_id"]): REQUIRED
        for block, element in inputs(blocks)
        if not block.get("optional") and not _given(filled, block, element)
    }


def state_of(blocks: list[JsonObject], filled: Filled) -> JsonObject:
    values: dict[str, JsonObject] = {}
    for block, element in inputs(blocks):
        given = _given(filled, block, element)
        values[as_text(block["block_id"])] = {as_text(element.get("action_id")): _entry(element, given)}
    return {"values": values}


def _given(filled: Filled, block: JsonObject, element: JsonObject) -> str | list[str] | None:
    return filled.get(as_text(block["block_id"]), {}).get(as_text(element.get("action_id")))


def _entry(element: JsonObject, given: str | list[str] | None) -> JsonObject:
    kind = as_text(element.get("type"))
    entry: JsonObject = {"type": kind}
    if kind in MANY_OPTIONS:
        chosen = [given] if isinstance(given, str) else given or []
        entry["selected_options"] = [_option(element, value) for value in chosen]
    elif kind in ONE_OPTION:
        entry["selected_option"] = _option(element, given) if isinstance(given, str) and given else None
    else:
        entry[PLAIN.get(kind, "value")] = given or None
    return entry


def _option(element: JsonObject, value: str) -> JsonObject:
    options = [*as_objects(element.get("options")), *walk(element.get("option_groups"))]
    return next((option for option in options if option.get("value") == value), {"value": value})


class Filling(msgspec.Struct, frozen=True):
    """A view and what was filled in, as the payloads carry it."""

    view: JsonObject
    state: JsonObject

    @property
    def shown(self) -> JsonObject:
        return {**self.view, "state": self.state}
