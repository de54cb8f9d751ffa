"""Which addresses are the same."""

import pytest

from opsloop_ingress.identity.address import normal
from opsloop_ingress.identity.allow_list import AllowList


def test_capitals_make_no_difference() -> None:
    """Everything else is part of the name."""
    assert normal("Al.Ice+Ops@Dealership.EXAMPLE") == "al.ice+ops@dealership.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "@x.example",
        "alice@",
        "a@b@c",
        "alice @x.example",
        "alice@x.example\n",
        "Alice <alice@x.example>\x00",
        "\N{KELVIN SIGN}elly@x.example",  # in lower case it would be the k of somebody else
        "stra\N{LATIN SMALL LETTER SHARP S}e@x.example",
        "a" * 250 + "@x.example",
    ],
)
def test_what_cannot_be_compared_is_no_address(text: str) -> None:
    """It is nobody's, so it verifies nobody."""
    assert normal(text) == ""


async def test_whoever_is_on_the_list_is_verified() -> None:
    """Whatever capitals the catalogue writes; the address itself is the subject."""
    found = await AllowList(("Alice@X.example",)).look_up("alice@x.example")
    assert (found.state, found.email, found.subject, found.source) == (
        "verified",
        "alice@x.example",
        "alice@x.example",
        "list",
    )


async def test_whoever_is_not_on_the_list_is_refused() -> None:
    """A neighbour of somebody on it too."""
    found = await AllowList(("alice@x.example",)).look_up("alice+1@x.example")
    assert (found.state, found.reason, found.email) == ("refused", "unknown_person", "")
