"""`opsloop conformance`: what is wrong with an event, what is expected, and how to mend it."""

import pytest

from opsloop_cli import arguments
from opsloop_cli.conformance import MENDS, Judge
from opsloop_cli.publish import told
from opsloop_common.publishers import Publisher
from opsloop_common.reports import Fault

CI = Publisher(name="ci", title="Builds", workspace="T1", channels=("C1",))


def test_a_good_sequence_is_silent() -> None:
    """Later events say only what is new."""
    judge = Judge(CI)
    for said in (b'{"title":"Build 7","percent":1}', b'{"percent":50}', b'{"state":"succeeded"}'):
        assert list(judge.lines("1", said, "b7")) == []
    assert (judge.events, judge.faults) == (3, 0)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b'{"percent":250}', ("not_an_event at /percent", "0 to 100", "mend:")),
        (b'{"percent":25}', ("incomplete at /title", "title and state")),
        (b'{"title":"x","state":"running","channel":"C9"}', ("channel_not_allowed at /channel", "one of C1")),
        (b'{"title":"x","state":"running","task_id":"other"}', ("bad_task_id at /task_id",)),
        (b'{"title":"x","state":"running","procent":4}', ("nobody reads procent",)),
        (b"{", ("not_json", "JSON library")),
    ],
)
def test_each_fault_is_told_with_its_place_and_mend(said: bytes, words: tuple[str, ...]) -> None:
    """As an orchestrator would reject it."""
    lines = "\n".join(Judge(CI).lines("events.jsonl:3", said, "b7"))
    assert lines.startswith("events.jsonl:3: ")
    assert all(word in lines for word in words), lines


def test_nothing_follows_the_end() -> None:
    """A new run is a new task id."""
    judge = Judge(CI)
    assert list(judge.lines("1", b'{"title":"x","state":"failed"}', "b7")) == []
    assert "ended" in next(judge.lines("2", b'{"state":"running"}', "b7"))


def test_every_fault_a_file_can_have_has_a_mend() -> None:
    """The others come of time and place."""
    assert {"too_fast", "unreachable"}.isdisjoint(MENDS)
    assert told(Fault(reason="ended", pointer="/state", expected="nothing")) == "ended at /state: expected nothing"


def test_the_words_of_publish_become_what_they_say() -> None:
    """Lists may be repeated."""
    asked = arguments.read(
        [
            "publish",
            "ci",
            "b7",
            "--title",
            "Build 7",
            "--percent",
            "40",
            "--log",
            "a",
            "--log",
            "b",
            "--state",
            "running",
        ]
    )
    assert (asked.verb, asked.publisher, asked.task_id, asked.percent, asked.log, asked.state) == (
        "publish", "ci", "b7", 40.0, ("a", "b"), "running",
    )  # fmt: skip
