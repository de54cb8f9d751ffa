"""The repository's own catalogue, as far as this pack reads it."""

import tomllib
from pathlib import Path

import pytest

from opsloop_common.task import Target
from opsloop_dealership.correct import corrected, wanted_from
from opsloop_dealership.problem import errors
from opsloop_dealership.settings import read_settings
from opsloop_dealership.validate import validate

CATALOGUE = tomllib.loads((Path(__file__).parents[3] / "opsloop.toml").read_text())


@pytest.mark.parametrize("name", sorted(CATALOGUE["targets"]))
def test_every_dealer_of_the_demo_can_be_repaired(name: str) -> None:
    """Settings are whole, and the profile alone makes a valid document."""
    described = CATALOGUE["targets"][name]
    target = Target(name=name, **{key: described[key] for key in ("title", "settings", "secrets", "profile")})
    assert read_settings(target).page_url
    assert errors(validate(corrected({}, wanted_from(target.profile)), "https://schema.org")) == ()
