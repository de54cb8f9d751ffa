"""A new token in the file is taken up; a file that is being replaced changes nothing."""

from pathlib import Path

from opsloop_notifier.token_file import TokenFile


def test_a_new_token_is_used_once(tmp_path: Path) -> None:
    """Neither the old one again, nor an empty or missing file."""
    file, used = tmp_path / "token", list[str]()
    file.write_text("xoxb-old\n")
    token = TokenFile(str(file), "xoxb-old", used.append)
    token.renew()
    file.write_text("")
    token.renew()
    file.unlink()
    token.renew()
    assert used == []
    file.write_text("xoxb-new\n")
    token.renew()
    token.renew()
    assert used == ["xoxb-new"]


def test_without_a_file_the_token_stays() -> None:
    """It was given as it is."""
    TokenFile("", "xoxb-old", lambda _: None).renew()
