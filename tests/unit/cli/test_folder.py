"""The data folder."""

import stat
from pathlib import Path

import pytest

from opsloop_cli.folder import DataFolder
from opsloop_common.runtime import CannotStart


def test_a_secret_is_generated_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """The next run finds the same value."""
    with DataFolder(tmp_path / "data", "demo") as folder:
        first = folder.secret("secret")
        assert folder.secret("token", prefix="xoxb-demo-").startswith("xoxb-demo-")
    with DataFolder(tmp_path / "data", "demo") as folder:
        assert folder.secret("secret") == first
        assert len(first) >= 32
        assert stat.S_IMODE((folder.path / "secret").stat().st_mode) == 0o600


def test_clearing_removes_everything_but_follows_no_link(tmp_path: Path) -> None:
    """What a link points to outside stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    with DataFolder(tmp_path / "data", "demo") as folder:
        before = folder.secret("secret")
        (folder.path / "link").symlink_to(outside)
        (folder.path / "nats" / "deep").mkdir(parents=True)
        folder.clear()
        assert {entry.name for entry in folder.path.iterdir()} == {"opsloop-data", "lock", "logs"}
        assert folder.secret("secret") != before
    assert (outside / "precious").exists()


def test_a_folder_with_foreign_files_is_refused_untouched(tmp_path: Path) -> None:
    """Without our marker nothing is written and nothing deleted."""
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(CannotStart, match="not ours"), DataFolder(tmp_path, "demo"):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_demo_s_folder_is_not_used_by_up(tmp_path: Path) -> None:
    """Their tasks and tokens would mix."""
    with DataFolder(tmp_path / "data", "demo"):
        pass
    with pytest.raises(CannotStart, match="opsloop demo"), DataFolder(tmp_path / "data", "up"):
        pass


def test_a_second_user_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    """One line with the process; afterwards the folder is free again."""
    with (
        DataFolder(tmp_path / "data", "demo"),
        pytest.raises(CannotStart, match=r"in use by process \d+"),
        DataFolder(tmp_path / "data", "demo"),
    ):
        pass
    with DataFolder(tmp_path / "data", "demo"):
        pass


def test_a_folder_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    """A path below a regular file cannot be a folder, for anybody."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match=r"cannot write to .*--data"), DataFolder(tmp_path / "file" / "data", "demo"):
        pass
