"""The words of the slash command, each with what it becomes."""

import pytest
from msgspec.structs import replace

from opsloop_common.commands import (
    AnyCommand,
    RunTask,
    ShowHelp,
    ShowMetric,
    ShowStatus,
    ShowTargets,
    ShowTask,
    ShowTasks,
)
from opsloop_ingress import decode
from opsloop_ingress.asked import Asked
from unit.ingress import slack

RULES = replace(slack.RULES, metric_words={"arr": "arr_gain"})


def said(text: str) -> AnyCommand:
    outcome = decode.decode("command", slack.command(text), slack.ASKED_AT, RULES)
    assert isinstance(outcome, Asked)
    return outcome.command


@pytest.mark.parametrize(
    ("text", "command", "fields"),
    [
        ("status", ShowTargets, {}),
        ("STATUS  ", ShowTargets, {}),
        ("status naples-honda", ShowStatus, {"target": "naples-honda"}),
        ("arr naples-honda", ShowMetric, {"metric": "arr_gain", "target": "naples-honda"}),
        ("ARR Naples Honda", ShowMetric, {"metric": "arr_gain", "target": "Naples Honda"}),
        ("arr", ShowMetric, {"metric": "arr_gain", "target": ""}),
        ("tasks", ShowTasks, {"target": ""}),
        ("Tasks naples-honda", ShowTasks, {"target": "naples-honda"}),
        ("task 07-abcdefghijklmnopqrst", ShowTask, {"task_id": "07-abcdefghijklmnopqrst"}),
        ("task *.>", ShowTask, {"task_id": "*.>"}),
        ("task", ShowTasks, {"target": ""}),
        ("run", RunTask, {"task": "", "target": "", "params": {}}),
        ("run schema_fix", RunTask, {"task": "schema_fix", "target": ""}),
        (" run \n x ", RunTask, {"task": "x", "target": ""}),
        ("run schema_fix naples-honda", RunTask, {"task": "schema_fix", "target": "naples-honda", "params": {}}),
        ("precision naples-honda", ShowHelp, {"unknown_word": "precision"}),
    ],
)
def test_words(text: str, command: type, fields: dict[str, object]) -> None:
    """Every word has its command; what is missing is empty, and a word of no metric is not known."""
    found = said(text)
    assert isinstance(found, command)
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "target", "params"),
    [
        ("naples-honda days=30", "naples-honda", {"days": "30"}),
        ("Naples  Honda days=30 depth=full", "Naples  Honda", {"days": "30", "depth": "full"}),
        ("a=b naples-honda", "a=b naples-honda", {}),
        ("naples-honda days=", "naples-honda", {"days": ""}),
        ("naples-honda q=a=b", "naples-honda", {"q": "a=b"}),
        ("naples-honda days=1 days=2", "naples-honda", {"days": "2"}),
        ("days=30", "", {"days": "30"}),
        ("naples-honda =30", "naples-honda =30", {}),
        ("naples-honda d.x=30", "naples-honda d.x=30", {}),
    ],
)
def test_values_follow_the_dealer(text: str, target: str, params: dict[str, str]) -> None:
    """A dealer may be several words; what stands at the end as name=value is a value, the later of two counts."""
    run = said(f"run ugc_audit {text}")
    assert isinstance(run, RunTask)
    assert (run.target, run.params) == (target, params)


def test_texts_are_cut() -> None:
    """No text is longer than what the rest of the system expects; of values there are twenty at most."""
    run = said("run " + "t" * 300 + " " + "d" * 300)
    assert isinstance(run, RunTask)
    assert (len(run.task), len(run.target)) == (100, 200)
    run = said("run x d " + " ".join(f"p{number}={'v' * 900}" for number in range(40)))
    assert isinstance(run, RunTask)
    assert list(run.params) == [f"p{number}" for number in range(20, 40)]
    assert {len(value) for value in run.params.values()} == {501}


def test_many_equal_values_are_read_in_no_time() -> None:
    """What is repeated thousands of times costs as little as what is said once."""
    run = said("run x d" + " a=1" * 10_000)
    assert isinstance(run, RunTask)
    assert run.params == {"a": "1"}
