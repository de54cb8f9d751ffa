"""The journal: what a killed process leaves behind, and what follows it."""

from pathlib import Path

from opsloop_sandbox.journal import Journal


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    """Whole records survive, half of one is dropped, and the next record is readable after it."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2}\n{"n":')

    journal = Journal(path, dict[str, int])
    assert list(journal.replay()) == [{"n": 1}, {"n": 2}]
    journal.append({"n": 3})
    journal.close()

    again = Journal(path, dict[str, int])
    assert list(again.replay()) == [{"n": 1}, {"n": 2}, {"n": 3}]
    again.close()
