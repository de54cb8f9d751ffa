"""What is read from a page's JSON-LD scripts, however they are broken."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsloop_dealership.extract import MAX_SCRIPTS, extract


def page(*scripts: str, kind: str = "application/ld+json") -> str:
    return "<html>" + "".join(f'<script type="{kind}">{text}</script>' for text in scripts) + "</html>"


@pytest.mark.parametrize(
    "text",
    [
        '// exported\n{"name": "a"}',
        '{"name": "a", /* note */}',
        '{"name": "a",}',
        '//<![CDATA[\n{"name": "a"}\n//]]>',
        '<!-- {"name": "a"} -->',
        '{"name": "a"};',
        "{&quot;name&quot;: &quot;a&quot;}",
    ],
)
def test_tolerated_scripts_are_read_and_their_fault_is_told(text: str) -> None:
    """What people meant is read, but strict readers skip such a script, so it has a fault."""
    (script,) = extract(page(text))
    assert script.documents == ({"name": "a"},)
    assert script.fault


@pytest.mark.parametrize(
    "text",
    ['{"name": oops', "{", "}", "[", '"text"', "[1, 2]", "[" * 100_000, '{"a":' * 60 + "1" + "}" * 60, "1" * 5000],
)
def test_unreadable_scripts_are_kept_as_text(text: str) -> None:
    """What is no JSON object is kept raw, with the reason."""
    (script,) = extract(page(text))
    assert (script.raw, script.documents) == (text, ())
    assert script.fault


def test_good_scripts_have_no_fault_and_keep_their_order() -> None:
    """Several scripts and several documents in one are told apart; a broken neighbour costs nothing."""
    first, broken, second = extract(page('{"name": "a"}', "{oops", '[{"name": "b"}, {"name": "c"}]'))
    assert [first.documents, second.documents] == [({"name": "a"},), ({"name": "b"}, {"name": "c"})]
    assert (first.fault, second.fault) == (None, None)
    assert broken.raw == "{oops"


@pytest.mark.parametrize("kind", ["application/ld+json; charset=utf-8", "Application/LD+JSON", " application/ld+json"])
def test_the_type_is_read_as_browsers_do(kind: str) -> None:
    """Parameters, case and spaces of the script's type do not matter."""
    assert len(extract(page('{"name": "a"}', kind=kind))) == 1


def test_other_scripts_and_empty_ones_are_not_json_ld() -> None:
    """JavaScript is left out, so are scripts of white space."""
    assert extract(page("var a = 1", kind="text/javascript") + page(" \n ")) == ()


def test_the_number_of_scripts_is_bounded() -> None:
    """A page of a hundred thousand scripts does not fill the checkpoint."""
    assert len(extract(page(*['{"name": "a"}'] * (MAX_SCRIPTS + 50)))) == MAX_SCRIPTS


def test_long_runs_of_white_space_take_no_time() -> None:
    """A megabyte of blanks in a broken script is read in linear time (the test's deadline is the proof)."""
    (script,) = extract(page("{" + " " * 1_000_000 + "x"))
    assert script.raw


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(), st.text(alphabet='{}[]",:/*<>!-& \\\n\x00abc1'))
def test_no_text_is_an_accident(html: str, script: str) -> None:
    """Whatever a page holds, extraction returns."""
    extract(html)
    extract(page(script))
