"""When two e-mail addresses are the same one."""

import re

LONGEST_ADDRESS = 254

_ADDRESS = re.compile(r"[!-?A-~]+@[!-?A-~]+")


def normal(text: str) -> str:
    """The address in lower case; empty when it is none that can be compared.

    Capitals make no difference, everything else does, "+" and dots included. Letters beyond ASCII are not taken: some
    of them become ASCII letters in lower case, so that two people's addresses would look like one.
    """
    return text.lower() if len(text) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(text) else ""
