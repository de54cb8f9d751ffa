"""What cannot start says so in a line and leaves nothing behind; and provisioning."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import NatsServer, free_port

ANY_PORTS = {
    f"{name}_PORT": "0" for name in ("INGRESS", "ORCHESTRATOR", "NOTIFIER", "METRICS", "SANDBOX", "OPSLOOP_NATS")
}
SLACK = {"SLACK_BOT_TOKEN": "xoxb-1-2-abc", "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef"}


def opsloop(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder with a bare environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **ANY_PORTS, **variables}
    return subprocess.run(
        [sys.executable, "-m", "opsloop_cli", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


def test_provision_creates_then_has_nothing_to_do(nats_server: NatsServer, tmp_path: Path) -> None:
    """One line per change the first time, one line in all the second."""
    first = opsloop(tmp_path, "provision", NATS_URL=nats_server.url)
    assert first.returncode == 0
    assert "created stream EVT" in first.stdout.splitlines()
    second = opsloop(tmp_path, "provision", NATS_URL=nats_server.url)
    assert (second.returncode, second.stdout.count("\n")) == (0, 1)
    assert second.stdout.startswith("nothing to do")


def test_provision_without_a_broker_is_one_line(tmp_path: Path) -> None:
    """Where it looked and what to do; a password in the address is not repeated."""
    url = f"nats://me:secretpassword@127.0.0.1:{free_port()}"
    ended = opsloop(tmp_path, "provision", NATS_URL=url)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "NATS_URL" in ended.stderr
    assert "secretpassword" not in ended.stderr


def test_a_taken_port_is_told_with_its_variable(taken_port: int, tmp_path: Path) -> None:
    """Before anything starts: the port and the variable to change."""
    ended = opsloop(tmp_path, "demo", INGRESS_PORT=str(taken_port))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"port {taken_port}" in ended.stderr
    assert "INGRESS_PORT" in ended.stderr


def test_every_taken_port_is_told(taken_port: int, tmp_path: Path) -> None:
    """Two mistakes, two lines, one run."""
    ended = opsloop(tmp_path, "demo", INGRESS_PORT=str(taken_port), SANDBOX_PORT=str(taken_port))
    assert [word in ended.stderr for word in ("INGRESS_PORT", "SANDBOX_PORT")] == [True, True]


def test_a_broker_port_that_was_asked_for_must_be_free(taken_port: int, tmp_path: Path) -> None:
    """Only without OPSLOOP_NATS_PORT the next free one is taken."""
    ended = opsloop(tmp_path, "demo", OPSLOOP_NATS_PORT=str(taken_port))
    assert ended.returncode == 2
    assert "OPSLOOP_NATS_PORT" in ended.stderr


def test_a_host_that_is_not_ours_is_one_line(tmp_path: Path) -> None:
    """Not one line per port."""
    ended = opsloop(tmp_path, "demo", OPSLOOP_HOST="192.0.2.1")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "OPSLOOP_HOST" in ended.stderr


def test_an_unwritable_folder_is_told(tmp_path: Path) -> None:
    """One line that says where and how to choose another."""
    (tmp_path / "file").write_text("")
    ended = opsloop(tmp_path, "demo", "--data", str(tmp_path / "file" / "data"))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "--data" in ended.stderr


def test_a_fresh_start_deletes_nothing_that_is_not_ours(tmp_path: Path) -> None:
    """A folder without our marker is refused, whatever was asked."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    ended = opsloop(tmp_path, "demo", "--fresh", "--data", str(folder))
    assert ended.returncode == 2
    assert (folder / "thesis.txt").read_text() == "x"


def test_a_bad_catalogue_is_told_by_file_and_line(tmp_path: Path) -> None:
    """Every mistake of the catalogue, before anything starts."""
    (tmp_path / "opsloop.toml").write_text('[tasks.a]\ntitel = "A"\n')
    ended = opsloop(tmp_path, "demo")
    assert ended.returncode == 2
    assert "opsloop.toml:2: tasks.a.titel: unknown key; did you mean 'title'?" in ended.stderr
    assert "no targets" in ended.stderr


def test_up_lists_everything_that_is_missing(tmp_path: Path) -> None:
    """Slack, broker secret and catalogue in one answer, and no process started."""
    ended = opsloop(tmp_path, "up", "--scale", "notifer=2", NATS_URL="nats://127.0.0.1:1")
    assert ended.returncode == 2
    for wanted in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "OPSLOOP_SECRET", "opsloop.toml", "notifer=2"):
        assert wanted in ended.stderr
    assert not (tmp_path / ".opsloop").exists()


def test_up_without_its_broker_is_one_line(tmp_path: Path) -> None:
    """The broker that NATS_URL names must be there."""
    (tmp_path / "opsloop.toml").write_text('[tasks.a]\ntitle = "A"\n[targets.b]\ntitle = "B"\n')
    url = f"nats://127.0.0.1:{free_port()}"
    ended = opsloop(tmp_path, "up", NATS_URL=url, OPSLOOP_SECRET="s" * 20, **SLACK)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert url in ended.stderr


def test_an_unknown_command_is_told_the_nearest(tmp_path: Path) -> None:
    """Through the real entry point."""
    ended = opsloop(tmp_path, "dmeo")
    assert (ended.returncode, "opsloop demo" in ended.stderr) == (2, True)
