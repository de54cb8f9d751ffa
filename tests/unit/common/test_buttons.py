"""What a button carries can only come from us."""

from hypothesis import given
from hypothesis import strategies as st

from opsloop_common import buttons
from opsloop_common.buttons import Pointer

OLD, NEW = "0123456789abcdef", "fedcba9876543210"
POINTER = Pointer("07-aaaaaaaaaaaaaaaaaaaa", 42)


def test_a_button_drawn_before_a_rotation_still_works() -> None:
    """The first secret signs, all verify."""
    assert buttons.read((NEW, OLD), buttons.write((OLD,), POINTER)) == POINTER
    assert buttons.read((NEW,), buttons.write((OLD,), POINTER)) is None


@given(st.text(max_size=80))
def test_nothing_else_is_a_button(value: str) -> None:
    """Any other text is none, and never an error."""
    assert buttons.read((NEW,), value) is None


def test_another_sequence_needs_another_signature() -> None:
    """A button cannot be moved to another state."""
    value = buttons.write((NEW,), POINTER).replace(".42.", ".43.")
    assert buttons.read((NEW,), value) is None
