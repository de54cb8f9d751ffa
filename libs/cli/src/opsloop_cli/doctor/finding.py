"""What was found, as a value."""

from typing import Literal

import msgspec

State = Literal["ok", "warning", "wrong"]
"""`warning`: it works, but not all of it, or nobody can tell. `wrong`: somebody will notice."""


class Finding(msgspec.Struct, frozen=True):
    """`name` is what was looked at; `mend` is what to do, empty where there is nothing."""

    name: str
    state: State
    text: str
    mend: str = ""


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def warning(name: str, text: str, mend: str) -> Finding:
    return Finding(name, "warning", text, mend)


def wrong(name: str, text: str, mend: str) -> Finding:
    return Finding(name, "wrong", text, mend)
