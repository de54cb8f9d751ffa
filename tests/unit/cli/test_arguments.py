"""The command line."""

import pytest

from opsloop_cli.arguments import Arguments, read


@pytest.mark.parametrize(("typed", "meant"), [("dmeo", "demo"), ("provison", "provision"), ("UP", "up")])
def test_a_misspelt_command_is_told_the_nearest(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line with what was probably meant, and exit code 2."""
    with pytest.raises(SystemExit) as end:
        read([typed])
    assert end.value.code == 2
    assert capsys.readouterr().err == f"opsloop: no command {typed!r}; did you mean `opsloop {meant}`?\n"


def test_a_command_like_no_other_is_told_all(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a near one, the known ones are listed."""
    with pytest.raises(SystemExit):
        read(["xyzzy"])
    assert "known are demo, up, doctor, provision" in capsys.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`opsloop --help` is a good end."""
    with pytest.raises(SystemExit) as end:
        read(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("demo", "up", "provision"))


@pytest.mark.parametrize(
    "words", [["demo", "--json"], ["demo", "--check", "--fresh"], ["demo", "--check", "--data", "x"], []]
)
def test_options_that_do_not_fit_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What would be ignored is refused instead."""
    with pytest.raises(SystemExit) as end:
        read(words)
    assert end.value.code == 2
    assert capsys.readouterr() != ("", "")


def test_every_option_reaches_the_command() -> None:
    """What was typed is what is asked."""
    assert read(["demo", "--fresh", "--data", "d"]) == Arguments(verb="demo", fresh=True, data="d")
    assert read(["demo", "--check", "--json"]) == Arguments(verb="demo", check=True, json=True)
    assert read(["up", "--scale", "ingress=2", "--scale", "metrics=1"]).scale == ("ingress=2", "metrics=1")
