"""Text of others in Slack: never a control sequence, never over a limit, never half a character or entity."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from opsloop_common.redact import MASK, Redactor
from opsloop_notifier.mrkdwn import Pen, escape, fit, size

PEN = Pen(Redactor(("very-secret-token",)))
PIECES = [*"&<>`*_~ab\n\t @!#", "é", "e\u0301", "👩\u200d👩\u200d👧", "🇩🇪", "👍🏽", "\ud83d", "\x00", "\u202e"]
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=400).map("".join) | st.text(max_size=200)
ENTITY = re.compile("&(?:amp|lt|gt);")


def is_harmless(text: str) -> bool:
    return "<" not in text and ">" not in text and "&" not in ENTITY.sub("", text)


@settings(deadline=None, max_examples=60)
@given(HOSTILE, st.integers(2, 120))
def test_no_text_passes_a_limit_or_starts_a_control_sequence(text: str, limit: int) -> None:
    """Whatever is written, it fits and holds no raw `<`, no cut entity and no half of a surrogate pair."""
    for shown in (fit(text, limit), PEN.line(text, limit), PEN.plain(text, limit)):
        assert size(shown) <= limit
        assert is_harmless(shown)
        shown.encode("utf-8")


@settings(deadline=None, max_examples=60)
@given(st.lists(HOSTILE, max_size=30), st.integers(40, 3000))
def test_a_code_block_is_one_block_within_its_limit(lines: list[str], limit: int) -> None:
    """The fences are the first and the last thing, and nothing inside can close the block."""
    code = PEN.code(lines, limit)
    assert size(code) <= limit
    if code:
        assert code.startswith("```\n")
        assert code.endswith("\n```")
        assert "``" not in code[3:-3]
        assert is_harmless(code)


def test_a_cut_keeps_whole_characters() -> None:
    """A family, a flag and an accented letter are kept or dropped as a whole."""
    assert fit("a👩‍👩‍👧b", 7) == "a…"
    assert fit("🇩🇪🇫🇷🇮🇹", 10) == "🇩🇪🇫🇷…"
    assert fit("ae\u0301b", 3) == "a…"
    assert fit("e\u0301" * 10, 5) == "e\u0301e\u0301…"


def test_what_fits_exactly_is_not_cut() -> None:
    """At the limit there is no ellipsis; one over, and the ellipsis is within it."""
    assert fit("a&b", 7) == "a&amp;b"
    assert fit("a&b", 6) == "a…"


def test_escaping_can_be_undone() -> None:
    """Nothing is lost: `&` is escaped first."""
    assert escape("&lt; <@U1>") == "&amp;lt; &lt;@U1&gt;"


def test_a_secret_is_masked_before_the_cut() -> None:
    """No half of a secret is left at the end of a cut line."""
    assert PEN.line("token very-secret-token", 200) == f"token {MASK}"
    assert "very" not in PEN.line("12345 very-secret-token", 12)


def test_the_end_of_a_log_is_what_fits() -> None:
    """Of too many lines the last ones stay, in order."""
    code = PEN.code([f"line {number}" for number in range(1000)], 100)
    assert code.splitlines()[-2] == "line 999"
    assert code.splitlines()[1] == f"line {1000 - len(code.splitlines()) + 2}"
