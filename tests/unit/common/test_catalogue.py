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
        "opsloop.toml:7: tasks.fix.effect: Invalid enum value 'twice'; known are idempotent, keyed, at_most_once",
    ]


def with_task(line: str) -> str:
    return GOOD.replace('title = "Fix"', f'title = "Fix"\n{line}')


def test_a_task_is_tried_once_unless_its_retry_says_otherwise() -> None:
    """An empty table means three tries; the pauses grow up to the longest."""
    assert catalogue.parse(GOOD, "x").tasks["fix"].retry.attempts == 1
    retry = catalogue.parse(with_task("retry = { longest_seconds = 5 }"), "x").tasks["fix"].retry
    assert (retry.attempts, [retry.pause_seconds(tries) for tries in (1, 2, 3)]) == (3, [2, 4, 5])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[tasks", "not valid TOML"),
        ("", "no targets: add at least one table [targets.<name>]"),
        (GOOD + '[targets."na ples"]\ntitle = "x"', "may hold letters, digits, '-' and '_' only"),
        (GOOD.replace('title = "Fix"', 'title = "Fix"\ntimeout_seconds = -1'), "not between 0 and 604800 seconds"),
        (with_task("start_within_seconds = 0"), "7: tasks.fix.start_within_seconds: 0.0 is not between 0 and 604800"),
        (with_task("heartbeat_seconds = -1"), "7: tasks.fix.heartbeat_seconds: -1.0 is not between 0 and 604800"),
        (with_task("total_seconds = true"), "7: tasks.fix.total_seconds: Expected `float`"),
        (with_task("stalled_after_seconds = -1"), "7: tasks.fix.stalled_after_seconds: -1.0 is not"),
        (with_task("probe_seconds = 601"), "7: tasks.fix.probe_seconds: 601.0 is not between 0 and 600 seconds"),
        (with_task("retry = 3"), "7: tasks.fix.retry: must be a table, not int"),
        (with_task("retry = { attempts = 0 }"), "7: tasks.fix.retry.attempts: 0 is not between 1 and 20"),
        (with_task("retry = { factor = 0.5 }"), "7: tasks.fix.retry.factor: 0.5 is not between 1 and 10"),
        (with_task("retry = { tries = 3 }"), "7: tasks.fix.retry.tries: unknown key; known are attempts, first_"),
        (with_task("[tasks.fix.retry]\nnot_for = 3"), "8: tasks.fix.retry.not_for: Expected `array`"),
        (
            with_task("retry = { first_seconds = 90 }"),
            "7: tasks.fix.retry.longest_seconds: 60 is less than first_seconds, which is 90",
        ),
        (GOOD + "[task.x]\n", "did you mean 'tasks'?"),
        (GOOD.replace("[targets.naples]", "targets = 3\n[targetz.naples]"), "unknown key"),
    ],
)
def test_a_mistake_says_what_would_be_right(text: str, part: str) -> None:
    """Each line names the mend."""
    assert any(part in line for line in mistakes(text)), mistakes(text)


METRIC = """
[metrics.gain]
title = "Gain"
unit = "usd"
query = 'gain{dealer=$target}'
"""


def with_query(query: str) -> str:
    return GOOD + METRIC.replace("gain{dealer=$target}", query)


def test_metrics_may_be_absent_and_are_read_when_they_are_there() -> None:
    """A catalogue without metrics is complete; with them each has title, unit and query."""
    assert catalogue.parse(GOOD, "x").metrics == {}
    gain = catalogue.parse(GOOD + METRIC, "x").metrics["gain"]
    assert (gain.name, gain.title, gain.unit, gain.query) == ("gain", "Gain", "usd", "gain{dealer=$target}")


@pytest.mark.parametrize(
    "query",
    [
        'sum(gain{ dealer = $target , stage="a"})',
        "gain{dealer=$target} / on() cost{site=$target}",
        'gain{note="}\\"{",dealer=$target}',
        'gain{a="# no comment",dealer=$target,}',
    ],
)
def test_the_target_may_stand_wherever_a_label_s_value_does(query: str) -> None:
    """Several selectors, other labels and strings with braces in them are all right."""
    assert catalogue.query_problem(query) == ""


@pytest.mark.parametrize(
    "query",
    [
        "gain",
        "$target",
        "$target{dealer=$target}",
        'gain{$target="x"}',
        'gain{dealer="$target"}',
        "gain{dealer=~$target}",
        "gain{dealer!=$target}",
        "gain{dealer=$targets}",
        "gain{dealer=$target} + $other",
        'label_replace(gain{dealer=$target}, "x", "$target", "", "")',
        "f(a, b=$target, c)",
    ],
)
def test_the_target_stands_nowhere_else(query: str) -> None:
    """A name, a string, a regular expression or an operator cannot come from a request."""
    assert "name{label=$target}" in catalogue.query_problem(query)


def test_a_metric_s_mistakes_come_with_line_and_key() -> None:
    """Each says what would be right."""
    text = GOOD + METRIC.replace('"usd"', '"eur"').replace("gain{dealer=$target}", "gain")
    assert mistakes(text + "titel = 1\n") == [
        "opsloop.toml:14: metrics.gain.unit: Invalid enum value 'eur'; known are usd, ratio, number",
        "opsloop.toml:15: metrics.gain.query: write $target, unquoted, as the value of a label and nowhere else: "
        "name{label=$target}",
        "opsloop.toml:16: metrics.gain.titel: unknown key; did you mean 'title'?",
    ]
    assert "a quote is not closed" in mistakes(with_query('gain{dealer=$target, a="}'))[0]
    assert "a comment" in mistakes(with_query("gain{dealer=$target} # x"))[0]


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
