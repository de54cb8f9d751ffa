"""A flood of bad requests is not a flood of log lines."""

import logging

import pytest

from opsloop_ingress.complaints import Complaints


def test_one_line_a_second_for_each_reason(caplog: pytest.LogCaptureFixture) -> None:
    """The first is told at once; the others are counted in the next line."""
    caplog.set_level(logging.WARNING)
    now = [0.0]
    complaints = Complaints(lambda: now[0])
    for _ in range(1000):
        complaints.say("refused", "signature_wrong")
    complaints.say("refused", "form")
    now[0] = 1.0
    complaints.say("refused", "signature_wrong")
    assert [record.getMessage() for record in caplog.records] == [
        "request refused: signature_wrong",
        "request refused: form",
        "request refused: signature_wrong (and 999 more since the last line)",
    ]


def test_foreign_hosts_are_told_once_and_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """Each host has one line, in quotes, and there is an end to them."""
    complaints = Complaints(lambda: 0.0)
    for number in range(100):
        for _ in range(3):
            complaints.foreign_answer_host(f"h{number}\n.example")
    assert len(caplog.records) == 20
    assert not any("\n" in record.getMessage() for record in caplog.records)
