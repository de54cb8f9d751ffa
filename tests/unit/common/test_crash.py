"""Crash points: nothing where nobody watches, death where one is selected."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from opsloop_common import crash

CROSS_THRICE = """
import os
from opsloop_common import crash
crash.watch(os.environ)
for word in ("a", "b", "a"):
    crash.crossing("before", str, word)
print("alive")
"""


def run(variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CROSS_THRICE], env=dict(variables), capture_output=True, text=True, check=False
    )


def test_a_process_dies_at_the_selected_crossing(tmp_path: Path) -> None:
    """By SIGKILL, at the count that was asked for; what it crossed before is on record."""
    record = tmp_path / "record"
    ended = run({"OPSLOOP_CRASH_AT": "before a#2", "OPSLOOP_CRASH_RECORD": str(record)})
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == ""
    assert record.read_text().splitlines() == ["before a#1", "before b#1", "before a#2", "died before a#2"]


def never() -> str:
    raise AssertionError("nobody watches")


def test_without_a_selection_nothing_is_crossed() -> None:
    """The deed is not even put into words."""
    assert run({}).stdout == "alive\n"
    crash.watch({})
    crash.crossing("before", never)
    assert not crash.is_watched()
