"""Reading the catalogue: every mistake at once, with line and key."""

from pathlib import Path

import pytest

from opsloop_common import catalogue
from opsloop_common.catalogue import CatalogueError, nearest

GOOD = """
[command]
name = "/ops"

[tasks.fix]
title = "Fix"

[targets.naples]
title = "Naples"
settings = { page_url = "http://127.0.0.1/" }
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        catalogue.parse(text, "opsloop.toml")
    return caught.value.mistakes


def test_the_repository_s_own_catalogue_is_valid() -> None:
    """The demo's catalogue loads."""
    found = catalogue.load(Path(__file__).parents[3] / "opsloop.toml")
    assert "schema_fix" in found.tasks
    assert "naples-honda" in found.targets


def test_a_task_is_at_most_once_and_nobody_s_unless_it_says_otherwise() -> None:
    """The defaults are the careful ones."""
    task = catalogue.parse(GOOD, "x").tasks["fix"]
    assert task.effect == "at_most_once"
    assert task.run_by == ()


def test_three_mistakes_are_all_reported_with_line_and_key() -> None:
    """One reading tells everything that has to be mended."""
    text = GOOD.replace('title = "Fix"', 'titel = "Fix"\neffect = "twice"').replace('name = "/ops"', 'name = "ops"')
    assert mistakes(text) == [
        "opsloop.toml:3: command.name: 'ops' is not a command: a slash, then up to 31 of a-z, 0-9, '-', '_'",
        "opsloop.toml:5: tasks.fix.title: title is missing",
        "opsloop.toml:6: tasks.fix.titel: unknown key; did you mean 'title'?",
        "opsloop.toml:7: tasks.fix.effect: Invalid enum value 'twice'",
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[tasks", "not valid TOML"),
        ("", "no targets: add at least one table [targets.<name>]"),
        (GOOD + '[targets."na ples"]\ntitle = "x"', "may hold letters, digits, '-' and '_' only"),
        (GOOD.replace('title = "Fix"', 'title = "Fix"\ntimeout_seconds = -1'), "not between 0 and 604800 seconds"),
        (GOOD + "[task.x]\n", "did you mean 'tasks'?"),
        (GOOD.replace("[targets.naples]", "targets = 3\n[targetz.naples]"), "unknown key"),
    ],
)
def test_a_mistake_says_what_would_be_right(text: str, part: str) -> None:
    """Each line names the mend."""
    assert any(part in line for line in mistakes(text)), mistakes(text)


def test_a_missing_file_is_one_line() -> None:
    """No traceback for a path that is not there."""
    with pytest.raises(CatalogueError, match=r"nowhere\.toml: cannot read"):
        catalogue.load(Path("/nowhere.toml"))


def test_the_nearest_names_come_best_first() -> None:
    """Typing errors, parts of a name and capital letters are understood."""
    names = ["naples-honda", "tampa-chevrolet", "coral-gables-toyota"]
    assert nearest("naples-hnda", names)[0] == "naples-honda"
    assert nearest("TOYOTA", names) == ("coral-gables-toyota",)
    assert nearest("zzz", names) == ()
