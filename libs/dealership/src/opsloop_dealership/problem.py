"""What can be wrong with a document: one `Problem` each."""

from typing import Literal

import msgspec

Weight = Literal["error", "advice"]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """`path` names the place as in `address.postalCode` or `sameAs[1]`; advice does not make a document invalid."""

    code: str
    path: str
    sentence: str
    weight: Weight = "error"


def shown(value: object, limit: int = 60) -> str:
    """A value as it stands in a sentence, cut to `limit` characters."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def errors(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.weight == "error")
