"""What a button carries: an opaque, signed pointer to a task or card and the state it was drawn from.

The value is `<id>.<sequence>.<signature>`. Everything else about a click is looked up.
"""

import msgspec

from opsloop_common.signing import sign, verify
from opsloop_common.subjects import is_id

_PURPOSE = "button"
_LONGEST_SEQUENCE = 18


class Pointer(msgspec.Struct, frozen=True):
    """`sequence` is that of the event the button was drawn from; 0 where it does not matter."""

    id: str
    sequence: int


def write(secrets: tuple[str, ...], pointer: Pointer) -> str:
    """The value of a button."""
    text = f"{pointer.id}.{pointer.sequence}"
    return f"{text}.{sign(secrets, _PURPOSE, text)}"


def read(secrets: tuple[str, ...], value: str) -> Pointer | None:
    """The pointer in a value that one of our secrets signed; None for anything else."""
    id, _, rest = value.partition(".")
    sequence, _, signature = rest.partition(".")
    well_formed = is_id(id) and sequence.isascii() and sequence.isdigit() and len(sequence) <= _LONGEST_SEQUENCE
    if not well_formed or not verify(secrets, _PURPOSE, f"{id}.{sequence}", signature):
        return None
    return Pointer(id, int(sequence))
