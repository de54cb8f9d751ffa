"""Which node of a page is the dealer."""

import pytest

from opsloop_dealership.dealer import Location, find_dealer, node_at, replaced
from opsloop_dealership.document import Node
from opsloop_dealership.extract import Script

PROFILE = {"name": "Naples Honda", "url": "https://www.naples-honda.example/", "telephone": "+1-239-555-0143"}


def scripts(*nodes: Node) -> tuple[Script, ...]:
    return tuple(Script(documents=(node,)) for node in nodes)


def dealer(**members: object) -> Node:
    return {"@type": "AutoDealer", **members}


@pytest.mark.parametrize(
    "ours",
    [
        dealer(name="naples  honda"),
        dealer(name="N.H.", url="http://naples-honda.example"),
        dealer(telephone="(239) 555-0143"),
        {"@type": "Organization", "name": "Naples Honda"},
    ],
)
def test_the_one_with_the_profiles_identity_wins(ours: Node) -> None:
    """Name, url or telephone identify the dealer, however they are written."""
    found = find_dealer(scripts(dealer(name="Fort Myers Honda"), ours), PROFILE)
    assert found == Location(script=1, document=0)


def test_a_single_dealer_under_a_wrong_name_is_ours() -> None:
    """The only dealer on the dealer's own page is taken for it."""
    assert find_dealer(scripts({"@type": "WebSite", "name": "Naples Honda"}, dealer(name="X")), PROFILE) == Location(
        script=1, document=0
    )


@pytest.mark.parametrize(
    "nodes",
    [
        (dealer(name="A"), dealer(name="B")),
        ({"@type": "WebSite", "name": "Naples Honda"},),
        ({"@type": "Organization", "name": "Honda of America"},),
        ({"name": "something"},),
        (),
    ],
)
def test_nobody_else_is_taken_for_the_dealer(nodes: tuple[Node, ...]) -> None:
    """Two strangers, a web site or a manufacturer are not overwritten."""
    assert find_dealer(scripts(*nodes), PROFILE) is None


@pytest.mark.parametrize("kind", ["AutoDealership", "autodealer", "http://schema.org/AutoDealer", "LocalBusiness"])
def test_misspelt_and_broader_types_are_recognised(kind: str) -> None:
    """A wrong type does not hide the dealer."""
    assert find_dealer(scripts({"@type": kind, "telephone": "+1 239 555 0143"}), PROFILE)


def test_a_nested_dealer_is_found_and_replaced_in_place() -> None:
    """The dealer within @graph or mainEntity is found, and its surroundings stay."""
    graph: Node = {"@graph": [{"@type": "WebPage", "mainEntity": dealer(name="Naples Honda")}, {"@type": "WebSite"}]}
    found = find_dealer(scripts(graph), PROFILE)
    assert found is not None
    assert found.path == ("@graph", 0, "mainEntity")
    assert node_at(scripts(graph), found)["name"] == "Naples Honda"
    assert replaced(graph, found.path, {"a": 1}) == {
        "@graph": [{"@type": "WebPage", "mainEntity": {"a": 1}}, {"@type": "WebSite"}]
    }
