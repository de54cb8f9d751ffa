"""The parameters of a task as the catalogue describes them, and what is wrong with values for them."""

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

LONGEST_VALUE = 500


class Param(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter. Without a `default` it must be given; `minimum` and `maximum` bound a number, ends included."""

    title: str
    kind: Literal["number", "text", "choice"] = "text"
    hint: str = ""
    default: str = ""
    minimum: float = -math.inf
    maximum: float = math.inf
    choices: tuple[str, ...] = ()


def problems(given: Mapping[str, str], wanted: Mapping[str, Param]) -> dict[str, str]:
    """A sentence for each parameter that is missing, unknown or not what the catalogue asks for; empty when all fit."""
    found = {name: f"There is no parameter {name}. {_known(wanted)}" for name in given if name not in wanted}
    for name, param in wanted.items():
        value = given.get(name, "").strip()
        if problem := problem_of(value, param):
            found[name] = problem
    return found


def filled(given: Mapping[str, str], wanted: Mapping[str, Param]) -> dict[str, str]:
    """The values a task gets: what was given, without blanks around it, and the defaults for the rest."""
    return {name: given.get(name, "").strip() or param.default for name, param in wanted.items()}


def problem_of(value: str, param: Param) -> str:
    """What is wrong with a value; empty when nothing is. A blank one stands for the default."""
    if not value:
        return "" if param.default else "This has no default: enter a value."
    if len(value) > LONGEST_VALUE:
        return f"At most {LONGEST_VALUE} characters."
    if param.kind == "choice" and value not in param.choices:
        return f"One of {', '.join(param.choices)}."
    return _number_problem(value, param) if param.kind == "number" else ""


def _number_problem(value: str, param: Param) -> str:
    try:
        number = float(value)
    except ValueError:
        return f"A number{_range(param)}, not “{value[:40]}”."
    if not math.isfinite(number) or not param.minimum <= number <= param.maximum:
        return f"A number{_range(param)}."
    return ""


def _range(param: Param) -> str:
    low, high = math.isfinite(param.minimum), math.isfinite(param.maximum)
    if low and high:
        return f" from {param.minimum:g} to {param.maximum:g}"
    if low:
        return f" of at least {param.minimum:g}"
    return f" of at most {param.maximum:g}" if high else ""


def _known(wanted: Mapping[str, Param]) -> str:
    return f"Known are {', '.join(wanted)}." if wanted else "The task takes none."
