"""A refusal as Slack's Web API words it: HTTP 200, `ok` false, `error` a code."""

from opsloop_sandbox.json_value import JsonObject


class SlackError(Exception):
    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details: JsonObject = details

    def body(self) -> JsonObject:
        return {"ok": False, "error": self.code, **self.details}


def invalid_arguments(message: str) -> SlackError:
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}"]})
