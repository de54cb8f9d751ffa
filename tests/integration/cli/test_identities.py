"""Who is verified in the demo, and what `up` wants to know before it starts."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from opsloop_cli import demo
from opsloop_cli.folder import DataFolder
from opsloop_cli.plan import SHIPPED_CATALOGUE
from opsloop_cli.ports import any_ports
from opsloop_common.bus import Bus
from opsloop_common.people import Identity, IdentityQuery, Person
from opsloop_common.service import request
from opsloop_common.subjects import Subjects

NEEDED = ("nats", "sandbox", "ingress")
SLACK = {"SLACK_BOT_TOKEN": "xoxb-1-2-abc", "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef"}
SENSITIVE = '[tasks.wipe]\ntitle = "Wipe"\nsensitive = true\nrun_by = ["*"]\n[targets.b]\ntitle = "B"\n'


async def test_in_the_demo_alice_is_verified_and_bob_is_not(tmp_path: Path) -> None:
    """Its Slack and its Clerk tell, whatever keys the surrounding environment has."""
    environment = {**os.environ, **any_ports(), "CLERK_SECRET_KEY": "sk_live_of_somebody_else"}
    with DataFolder(tmp_path / "data", "demo") as folder:
        prepared = demo.prepare(environment, folder, SHIPPED_CATALOGUE)
        programs = tuple(program for program in prepared.programs if program.name in NEEDED)
        assert [program.name for program in programs] == list(NEEDED)
        async with demo.started(msgspec.structs.replace(prepared, programs=programs), folder):
            bus = await Bus.connect(f"nats://127.0.0.1:{prepared.ports.nats}", "test")
            try:
                alice, bob = [await who(bus, user) for user in ("U0ALICE", "U0BOB")]
            finally:
                await bus.close()
    assert (alice.state, alice.email, alice.source) == ("verified", "alice@dealership.example", "clerk")
    assert (bob.state, bob.reason) == ("refused", "unknown_person")


async def who(bus: Bus, user: str) -> Identity:
    return await request(bus, Subjects().identity, IdentityQuery(Person("T0OPSLOOP", user)), Identity, 10)


def up(folder: Path, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`opsloop up` with this catalogue, which cannot start: there is no such broker."""
    (folder / "opsloop.toml").write_text(text)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **any_ports(), **SLACK, **variables}
    environment |= {"NATS_URL": "nats://127.0.0.1:1", "OPSLOOP_SECRET": "0123456789abcdef"}
    command = [sys.executable, "-m", "opsloop_cli", "up"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_up_wants_somebody_who_verifies(tmp_path: Path) -> None:
    """A sensitive task without an identity provider and without a list: one line, and nothing starts."""
    ended = up(tmp_path, SENSITIVE)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    for wanted in ("wipe", "CLERK_SECRET_KEY", "[access] verified"):
        assert wanted in ended.stderr
    assert not (tmp_path / ".opsloop").exists()


def test_up_takes_either(tmp_path: Path) -> None:
    """With the list, or with the key, it goes on to look for the broker."""
    listed = SENSITIVE + '[access]\nverified = ["boss@x.example"]\n'
    for ended in (up(tmp_path, listed), up(tmp_path, SENSITIVE, CLERK_SECRET_KEY="sk_test_1")):
        assert ended.returncode == 2
        assert "no broker at" in ended.stderr
        assert "CLERK" not in ended.stderr
