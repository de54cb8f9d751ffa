"""Follow-ups in the catalogue: they exist, they end, and nobody has to be asked for their parameters."""

import pytest

from opsloop_common import catalogue
from opsloop_common.catalogue import CatalogueError

TARGET = '[targets.naples]\ntitle = "Naples"\n'


def tasks(**then: str) -> str:
    return TARGET + "".join(f'[tasks.{name}]\ntitle = "{name}"\nthen = [{follows}]\n' for name, follows in then.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (tasks(a='"b"', b='"a"'), "the follow-ups go in a circle: a -> b -> a"),
        (tasks(a='"a"'), "the follow-ups go in a circle: a -> a"),
        (tasks(aa='"ab"', bb=""), "there is no task 'ab'"),
        (tasks(a='"b"', b='"c"', c='"d"', d='"e"', e='"f"', f=""), "a chain has at most 5 tasks"),
        (tasks(a='"b"', b="") + '[tasks.b.params.days]\ntitle = "Days"\n', "give each of its parameters a default"),
    ],
)
def test_a_chain_that_cannot_be_is_told_once(text: str, said: str) -> None:
    """With its line and key, before anything starts."""
    with pytest.raises(CatalogueError) as error:
        catalogue.parse(text, "x.toml")
    assert len([line for line in error.value.mistakes if said in line]) == 1
    assert ".then: " in error.value.mistakes[0]


def test_a_chain_of_five_is_fine() -> None:
    """And two that meet in one task."""
    found = catalogue.parse(tasks(a='"b", "c"', b='"c"', c='"d"', d=""), "x.toml")
    assert found.tasks["a"].then == ("b", "c")
