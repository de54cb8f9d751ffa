"""Publishers in the catalogue: mistakes are reported like all others, before anything starts."""

import pytest

from opsloop_common import catalogue
from opsloop_common.catalogue import CatalogueError
from opsloop_common.people import Conversation

REST = """
[tasks.build]
title = "Build"
[targets.naples]
title = "Naples"
"""
PUBLISHER = """
[publishers.ci]
title = "Builds"
workspace = "T1"
channels = ["C1", "C2"]
targets = { naples = "C3" }
press_by = ["*", "alice@example.com"]
"""


def test_a_publisher_has_its_places_and_limits() -> None:
    """The first channel is the default; those of targets are places too."""
    ci = catalogue.parse(PUBLISHER + REST, "c.toml").publishers["ci"]
    assert ci.conversations == (Conversation("T1", "C1"), Conversation("T1", "C2"), Conversation("T1", "C3"))
    assert ci.asks_who
    assert ci.silent_after_seconds < ci.gone_after_seconds


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ('title = "Builds"', 'titel = "Builds"', "c.toml:3: publishers.ci.titel: unknown key; did you mean 'title'?"),
        ('workspace = "T1"', "", "c.toml:2: publishers.ci.workspace: workspace is missing"),
        ('"C1", "C2"', "", "c.toml:5: publishers.ci.channels: name at least one channel"),
        ('"C1", "C2"', '"#ops"', "c.toml:5: publishers.ci.channels: '#ops' is not the id of a channel"),
        ('naples = "C3"', 'tampa = "C3"', "c.toml:6: publishers.ci.targets: there is no target 'tampa'"),
        ('naples = "C3"', 'naples = "ops"', "c.toml:6: publishers.ci.targets: 'ops' is not the id of a channel"),
        ('["*", "alice@example.com"]', '["alice"]', "c.toml:7: publishers.ci.press_by: 'alice' is nobody"),
        ("press_by", "rate_per_second = 0\npress_by", "c.toml:7: publishers.ci.rate_per_second: 0.0 is not between"),
        ("press_by", "gone_after_seconds = 9\npress_by", "c.toml:7: publishers.ci.gone_after_seconds: must be more"),
        ("[publishers.ci]", "[publishers.build]", "c.toml:2: publishers.build: 'build' is a task already"),
        ("[publishers.ci]", '[publishers."c.i"]', "the name 'c.i' may hold letters"),
    ],
)
def test_a_mistake_is_told_with_line_and_key(before: str, after: str, line: str) -> None:
    """File, line, key, and what would be right."""
    with pytest.raises(CatalogueError) as raised:
        catalogue.parse(PUBLISHER.replace(before, after) + REST, "c.toml")
    assert any(line in mistake for mistake in raised.value.mistakes), raised.value.mistakes
