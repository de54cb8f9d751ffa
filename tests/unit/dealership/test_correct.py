"""What the corrected document keeps, changes and drops."""

from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opsloop_dealership.correct import changes, context_for, corrected, differences, wanted_from
from opsloop_dealership.document import Node
from opsloop_dealership.problem import errors
from opsloop_dealership.validate import validate
from opsloop_dealership.vocabulary import PROPERTIES, SUPERSEDED

PROFILE: dict[str, object] = {
    "name": "Naples Honda",
    "telephone": "+1-239-555-0143",
    "brand": ["Honda"],
    "openingHours": ["Mo-Fr 09:00-20:00"],
    "address": {"streetAddress": "3500 Davis Blvd", "addressLocality": "Naples"},
}
WANTED = wanted_from(PROFILE)


def fixed(**found: object) -> Node:
    return corrected({"@type": "AutoDealer", **found}, WANTED)


def test_nothing_found_gives_the_profile() -> None:
    """The profile alone makes a valid, typed dealer."""
    node = corrected({}, WANTED)
    assert node["@type"] == "AutoDealer"
    assert node["brand"] == {"@type": "Brand", "name": "Honda"}
    assert cast("Node", node["address"])["@type"] == "PostalAddress"
    assert errors(validate(node, "https://schema.org")) == ()


@pytest.mark.parametrize(
    ("found", "name", "value"),
    [
        ({"legalName": "Naples LLC"}, "legalName", "Naples LLC"),
        ({"@id": "#us"}, "@id", "#us"),
        ({"gs1:x": 1}, "gs1:x", 1),
        ({"legalNmae": "Naples LLC"}, "legalName", "Naples LLC"),
        ({"photos": "https://a.example/p.jpg"}, "photo", "https://a.example/p.jpg"),
        ({"description": "Tom &amp; Sons"}, "description", "Tom & Sons"),
        ({"sameAs": ["https://a.example", "b"]}, "sameAs", ["https://a.example"]),
        ({"openingHours": "Mo-Fr 09:00-20:00"}, "openingHours", "Mo-Fr 09:00-20:00"),
        ({"name": "Naples Hnda"}, "name", "Naples Honda"),
        (
            {"brand": {"@type": "Brand", "name": "Honda", "logo": "x"}},
            "brand",
            {"@type": "Brand", "name": "Honda", "logo": "x"},
        ),
        ({"@type": ["AutoDealer", "AutoRepair"]}, "@type", ["AutoDealer", "AutoRepair"]),
        ({"@type": "AutoDealership"}, "@type", "AutoDealer"),
    ],
)
def test_what_is_right_stays_and_what_is_wrong_is_set_right(found: Node, name: str, value: object) -> None:
    """Correct values stay as they are, near misses are repaired, the profile wins over the rest."""
    assert fixed(**found)[name] == value


@pytest.mark.parametrize("found", [{"colour": "red"}, {"sameAs": "b"}, {"telefone": "x"}, {"reviews": ""}])
def test_what_cannot_be_right_goes(found: Node) -> None:
    """Unknown names and values that stay wrong are dropped."""
    assert fixed(**found) == fixed()


def test_an_address_keeps_its_good_rest() -> None:
    """Parts the profile does not name stay when they are valid."""
    address = {"@type": "PostalAddress", "streetAddress": "Old", "postalCode": "34104", "zip": "1"}
    assert fixed(address=address)["address"] == {**cast("Node", WANTED["address"]), "postalCode": "34104"}


def test_regular_hours_are_told_once_and_seasonal_ones_stay() -> None:
    """Hours of the profile replace regular specifications, not those of a season."""
    regular = {"@type": "OpeningHoursSpecification", "dayOfWeek": "Monday", "opens": "08:00", "closes": "12:00"}
    season = {**regular, "validFrom": "2026-12-24", "validThrough": "2026-12-24"}
    assert fixed(openingHoursSpecification=[regular, season])["openingHoursSpecification"] == [season]


def test_differences_tell_both_values() -> None:
    """Where the page contradicts the catalogue, the sentence shows both."""
    problems = differences(
        {"name": "X", "telephone": "+1-239-555-0143"}, {"name": "Y", "telephone": "+1-239-555-0143"}, ()
    )
    assert [p.sentence for p in problems] == ["name is X; the catalogue says Y"]


def test_changes_are_told_a_line_each() -> None:
    """Removed, set and changed properties have their own words."""
    assert changes({"a": 1, "b": 2}, {"b": 3, "c": ["x", {"@type": "T", "name": "y"}]}) == (
        "removed a: 1",
        "changed b: 2 → 3",
        "set c: x; y",
    )


def test_a_context_keeps_other_vocabularies() -> None:
    """A context without schema.org gets it and keeps its prefixes."""
    assert context_for({"gs1": "https://gs1.org/voc/"}) == ["https://schema.org", {"gs1": "https://gs1.org/voc/"}]
    assert context_for("http://schema.org") == "http://schema.org"
    assert context_for("nonsense") == "https://schema.org"


NAMES = st.sampled_from(
    [*sorted(PROPERTIES), *sorted(SUPERSEDED), "@id", "@type", "telefone", "x:y", "colour", "adress"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(alphabet="ab &;1é", max_size=8)
    | st.sampled_from(
        ["AutoDealer", "AutoRepair", "https://a.example/", "Mo-Fr 09:00-20:00", "+1-239-555-0143", "Tom &amp;amp; Sons"]
    )
)
KEYS = st.sampled_from(["@type", "@id", "streetAddress", "latitude", "dayOfWeek", "validFrom", "url", "zip"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


@settings(deadline=None, max_examples=150)
@example({"image": [["https://a.example/"]]})
@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_correcting_makes_valid_and_correcting_again_changes_nothing(found: Node) -> None:
    """From whatever was found comes a valid document, and a second correction leaves it as it is."""
    once = corrected(found, WANTED)
    assert errors(validate(once, "https://schema.org")) == ()
    assert corrected(once, WANTED) == once
    assert differences(once, WANTED, ()) == ()
