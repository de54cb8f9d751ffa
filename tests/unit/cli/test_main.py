"""How the command ends."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import pytest

from opsloop_cli import __main__ as command
from opsloop_cli.arguments import Arguments
from opsloop_common.runtime import CannotStart
from opsloop_common.settings import SettingsError

ASKED = Arguments(verb="demo")


def ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> int:
    async def job() -> int:
        if error is not None:
            raise error
        return 0

    def made(asked: Arguments, environment: object) -> Coroutine[None, None, int]:
        return job()

    monkeypatch.setattr(command, "_job", made)
    return command._guarded(ASKED, {})


def test_a_bug_is_one_line_and_a_file_with_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Never a traceback to a user, and no secret in the file."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert ends_with(monkeypatch, ZeroDivisionError("xoxb-123456789-secret")) == 2
    told = capsys.readouterr().err
    (kept,) = tmp_path.iterdir()
    assert told.count("\n") == 1
    assert str(kept) in told
    assert "ZeroDivisionError" in kept.read_text()
    assert "xoxb-123456789" not in kept.read_text()


def test_every_mistake_is_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of mistakes is told whole, a reason as it is; both end with 2."""
    assert ends_with(monkeypatch, SettingsError(["A is missing", "B is missing"])) == 2
    assert ends_with(monkeypatch, CannotStart("port 1 is taken")) == 2
    assert capsys.readouterr().err.splitlines() == [
        "opsloop: A is missing", "opsloop: B is missing", "opsloop: port 1 is taken",
    ]  # fmt: skip


def test_being_stopped_is_a_good_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C and SIGTERM arrive as a cancellation."""
    assert ends_with(monkeypatch, asyncio.CancelledError()) == 0
    assert ends_with(monkeypatch, None) == 0
