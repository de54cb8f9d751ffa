"""Collects what is wrong with a block, each with the JSON pointer Slack would give."""

from opsloop_sandbox.json_value import JsonObject


class Problems:
    """Every check returns its finding as a value too, so that callers can stop early."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def add(self, pointer: str, text: str) -> None:
        self.messages.append(f"[ERROR] {text} [json-pointer:{pointer}]")

    def string(self, owner: JsonObject, name: str, pointer: str, longest: int, *, optional: bool = False) -> None:
        """A string of 1 to `longest` characters."""
        value = owner.get(name)
        here = f"{pointer}/{name}"
        if value is None:
            if not optional:
                self.add(pointer, f"missing required field: {name}")
        elif not isinstance(value, str):
            self.add(here, "must be a string")
        elif not value and not optional:
            self.add(here, "must be more than 0 characters")
        elif len(value) > longest:
            self.add(here, f"must be less than {longest + 1} characters")

    def one_of(self, owner: JsonObject, name: str, pointer: str, allowed: tuple[str, ...]) -> None:
        """An optional word out of a few."""
        if owner.get(name) is not None and owner[name] not in allowed:
            self.add(f"{pointer}/{name}", f"must be one of {', '.join(allowed)}")

    def listing(self, owner: JsonObject, name: str, pointer: str, most: int) -> list[JsonObject]:
        """1 to `most` objects; what is not an object is reported and left out."""
        value = owner.get(name)
        here = f"{pointer}/{name}"
        if not isinstance(value, list):
            self.add(pointer, f"missing required field: {name}" if value is None else f"{name} must be an array")
            return []
        if not value:
            self.add(here, "no less than 1 items required")
        if len(value) > most:
            self.add(here, f"no more than {most} items allowed")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self.add(f"{here}/{index}", "must provide an object")
        return [item if isinstance(item, dict) else {} for item in value]

    def text_object(
        self, owner: JsonObject, name: str, pointer: str, longest: int, *, plain: bool = False, optional: bool = False
    ) -> None:
        """`{"type": "plain_text" | "mrkdwn", "text": …}`, not empty."""
        value = owner.get(name)
        if value is None:
            if not optional:
                self.add(pointer, f"missing required field: {name}")
            return
        self.text_value(value, f"{pointer}/{name}", longest, plain=plain)

    def text_value(self, value: object, pointer: str, longest: int, *, plain: bool = False) -> None:
        if not isinstance(value, dict):
            self.add(pointer, "must provide an object")
            return
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if value.get("type") not in kinds:
            self.add(f"{pointer}/type", f"must be one of {', '.join(kinds)}")
        if value.get("type") == "mrkdwn" and "emoji" in value:
            self.add(f"{pointer}/emoji", "is not allowed for mrkdwn")
        self.string(value, "text", pointer, longest)
