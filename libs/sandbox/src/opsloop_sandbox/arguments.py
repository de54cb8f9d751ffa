"""The arguments of a Web API call, however they were sent: query, form or JSON."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.slack_error import SlackError, invalid_arguments

TRUE_WORDS = ("1", "true", "True")


def read_arguments(query: str, content_type: str, body: bytes) -> JsonObject:
    """Raises SlackError("invalid_json", "json_not_object" or "invalid_form_data")."""
    values: JsonObject = dict(parse_qsl(query, keep_blank_values=True))
    if content_type.startswith("application/json"):
        values.update(_read_json(body))
    elif body:
        try:
            values.update(parse_qsl(body.decode(), keep_blank_values=True))
        except ValueError as error:
            raise SlackError("invalid_form_data") from error
    return values


def _read_json(body: bytes) -> JsonObject:
    try:
        decoded: object = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(decoded, dict):
        raise SlackError("json_not_object")
    return decoded


class Arguments:
    """Checked access: what a form carries as text is read like its JSON twin."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = {name: value for name, value in values.items() if value is not None and name != "token"}

    def has(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid_arguments(f"must be a string [json-pointer:/{name}]")
        return str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        value = self.values.get(name, False)
        return value if isinstance(value, bool) else str(value) in TRUE_WORDS

    def number(self, name: str, default: int) -> int:
        """Raises SlackError("invalid_limit") and the like, named after the argument."""
        try:
            return int(self.text(name, str(default)))
        except ValueError as error:
            raise SlackError(f"invalid_{name}") from error

    def structure(self, name: str, error_code: str) -> object:
        """A list or object, sent as such or as JSON text. Raises SlackError(error_code)."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value) if value else None
        except msgspec.DecodeError as error:
            raise SlackError(error_code) from error
