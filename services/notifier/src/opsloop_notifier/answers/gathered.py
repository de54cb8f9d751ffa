"""What an answer shows besides its own body."""

from collections.abc import Mapping

import msgspec


class Gathered(msgspec.Struct, frozen=True):
    """Links to tasks' cards by task id, what people are called by user id, the end of a log (oldest line first)."""

    links: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    lines: tuple[str, ...] = ()
