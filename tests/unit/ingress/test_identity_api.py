"""How long to make no calls."""

import pytest

from opsloop_ingress.identity.api import LONGEST_PAUSE_SECONDS, PAUSE_SECONDS, pause_seconds


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("30", 30),
        (" 7 ", 7),
        ("0", 0),
        ("999999", LONGEST_PAUSE_SECONDS),
        ("", PAUSE_SECONDS),
        ("-1", PAUSE_SECONDS),
        ("soon", PAUSE_SECONDS),
        ("9" * 400, PAUSE_SECONDS),
        ("\N{SUPERSCRIPT TWO}", PAUSE_SECONDS),
        ("Wed, 21 Oct 2026 07:28:00 GMT", PAUSE_SECONDS),
    ],
)
def test_a_pause_is_what_was_asked_for(retry_after: str, seconds: float) -> None:
    """Whole seconds, within reason; a short pause where that is not what the header says."""
    assert pause_seconds(retry_after) == seconds
