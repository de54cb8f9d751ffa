"""What validation finds, one rule at a time."""

import pytest

from opsloop_dealership.document import Node
from opsloop_dealership.problem import errors
from opsloop_dealership.validate import MAX_PROBLEMS, names_schema_org, validate
from opsloop_dealership.vocabulary import PROPERTIES, SUPERSEDED

ADDRESS = {
    "@type": "PostalAddress",
    "streetAddress": "1 Main St",
    "addressLocality": "Naples",
    "addressRegion": "FL",
    "postalCode": "34104",
    "addressCountry": "US",
}
GOOD: Node = {
    "@type": "AutoDealer",
    "name": "Naples Honda",
    "address": ADDRESS,
    "url": "https://a.example/",
    "telephone": "+1-239-555-0143",
    "geo": {"@type": "GeoCoordinates", "latitude": 26.1, "longitude": "-81.7"},
    "openingHours": ["Mo-Fr 09:00-20:00", "Sa,Su 10:00-14:00", "Mo-Su"],
    "image": "https://a.example/a.jpg",
    "priceRange": "$$",
}
HOURS = {"@type": "OpeningHoursSpecification", "dayOfWeek": ["Monday", "https://schema.org/Friday"], "opens": "09:00"}


def test_a_good_dealer_has_no_problem() -> None:
    """Nothing is found where nothing is wrong."""
    assert validate(GOOD, "https://schema.org") == ()


@pytest.mark.parametrize(
    "more",
    [
        {"@id": "#us"},
        {"gs1:thing": "x"},
        {"@type": ["AutoDealer", "AutoRepair"]},
        {"@type": "http://schema.org/AutoDealer"},
        {"@type": ["AutoDealer", "http://www.productontology.org/id/X"], "horsepower": 1},
        {"address": [ADDRESS]},
        {"address": {**ADDRESS, "addressCountry": {"@type": "Country", "name": "US"}}},
        {"address": {"@id": "#address"}},
        {"image": {"@type": "ImageObject", "url": "https://a.example/a.jpg"}},
        {"openingHoursSpecification": [{**HOURS, "closes": "20:00:00"}]},
        {"telephone": "+44 20 7946 0000 ext. 12"},
        {"email": "mailto:sales@a.example"},
        {"aggregateRating": {"@type": "AggregateRating", "ratingValue": 4.5}},
    ],
)
def test_valid_variants_are_accepted(more: Node) -> None:
    """What schema.org allows is not complained about."""
    assert validate({**GOOD, **more}, "https://schema.org") == ()


@pytest.mark.parametrize(
    ("more", "code", "path", "words"),
    [
        ({"@type": "AutoDealership"}, "wrong_type", "@type", "instead of AutoDealer"),
        ({"@type": ["AutoDealer", "AutoRepiar"]}, "wrong_type", "@type", "did you mean AutoRepair"),
        ({"telefone": "+1-239-555-0143"}, "unknown_property", "telefone", "did you mean telephone?"),
        ({"PriceRange": "$"}, "unknown_property", "PriceRange", "did you mean priceRange?"),
        ({"colour": "red"}, "unknown_property", "colour", "not a property of AutoDealer"),
        ({"reviews": "x"}, "superseded_property", "reviews", "superseded by review"),
        ({"name": ""}, "empty_value", "name", "no value"),
        ({"name": {"a": 1}}, "wrong_value", "name", "not a text"),
        ({"url": "/about"}, "wrong_value", "url", "absolute URL"),
        ({"url": "javascript:alert(1)"}, "wrong_value", "url", "absolute URL"),
        ({"sameAs": ["https://a.example", "b.example"]}, "wrong_value", "sameAs[1]", "absolute URL"),
        ({"image": {"@type": "ImageObject"}}, "missing_value", "image", "no url"),
        ({"telephone": "call us"}, "wrong_value", "telephone", "telephone number"),
        ({"telephone": "12"}, "wrong_value", "telephone", "telephone number"),
        ({"email": "sales at a"}, "wrong_value", "email", "e-mail"),
        ({"priceRange": "$" * 100}, "wrong_value", "priceRange", "less than 100"),
        ({"openingHours": "Mon-Fri 9-5"}, "wrong_value", "openingHours", "Mo-Fr 09:00-20:00"),
        ({"openingHours": "Mo 25:00-26:00"}, "wrong_value", "openingHours", "not written like"),
        ({"openingHoursSpecification": "Mo"}, "wrong_value", "openingHoursSpecification", "not an Opening"),
        (
            {"openingHoursSpecification": {**HOURS, "dayOfWeek": "Mo"}},
            "wrong_value",
            "openingHoursSpecification.dayOfWeek",
            "such as Monday",
        ),
        (
            {"openingHoursSpecification": {**HOURS, "opens": "9am"}},
            "wrong_value",
            "openingHoursSpecification.opens",
            "ISO 8601",
        ),
        ({"address": "1 Main St"}, "wrong_value", "address", "not a PostalAddress"),
        ({"address": {**ADDRESS, "@type": "Address"}}, "wrong_type", "address.@type", "not typed PostalAddress"),
        ({"address": {**ADDRESS, "zip": "1"}}, "unknown_property", "address.zip", "not a property"),
        ({"address": {**ADDRESS, "streetAddress": ""}}, "missing_value", "address.streetAddress", "missing"),
        ({"geo": "26.1,-81.7"}, "wrong_value", "geo", "GeoCoordinates"),
        ({"geo": {"@type": "GeoCoordinates", "latitude": 26.1}}, "missing_value", "geo.longitude", "missing"),
        (
            {"geo": {"@type": "GeoCoordinates", "latitude": 126.1, "longitude": "nan"}},
            "wrong_value",
            "geo.longitude",
            "between -180 and 180",
        ),
        ({"description": "Tom &amp; Sons"}, "html_entity", "description", "&amp;"),
    ],
)
def test_each_rule_is_found(more: Node, code: str, path: str, words: str) -> None:
    """A broken value is found at its place, and the sentence says what is wrong."""
    problems = errors(validate({**GOOD, **more}, "https://schema.org"))
    assert [p.sentence for p in problems if (p.code, p.path) == (code, path) and words in p.sentence], problems


@pytest.mark.parametrize("name", ["name", "address"])
def test_search_engines_require_name_and_address(name: str) -> None:
    """Without them there is an error."""
    node = {key: value for key, value in GOOD.items() if key != name}
    assert [p.path for p in errors(validate(node, "https://schema.org"))] == [name]


@pytest.mark.parametrize("name", ["telephone", "url", "geo", "openingHours", "image", "priceRange"])
def test_the_rest_is_advice(name: str) -> None:
    """What is only recommended does not make a document invalid."""
    node = {key: value for key, value in GOOD.items() if key != name}
    assert [(p.path, p.weight) for p in validate(node, "https://schema.org")] == [(name, "advice")]


@pytest.mark.parametrize(
    ("context", "good"),
    [
        ("https://schema.org", True),
        ("http://schema.org/", True),
        ("http://www.schema.org", True),
        (["https://schema.org", {"gs1": "https://gs1.org/voc/"}], True),
        ({"@vocab": "https://schema.org/"}, True),
        ("https://shema.org", False),
        ("https://schema.org/AutoDealer", False),
        ({"schema": "https://schema.org/"}, False),
        (None, False),
    ],
)
def test_the_context_must_name_schema_org(context: object, good: bool) -> None:
    """Plain names mean schema.org under exactly these contexts."""
    assert names_schema_org(context) is good


def test_the_number_of_problems_is_bounded() -> None:
    """A document of nothing but errors does not flood the checkpoint."""
    assert len(validate({f"bad{n}": n for n in range(5000)}, None)) == MAX_PROBLEMS


def test_no_superseded_name_counts_as_current() -> None:
    """The two tables of the vocabulary agree."""
    assert not PROPERTIES & set(SUPERSEDED)
    assert set(SUPERSEDED.values()) <= PROPERTIES
