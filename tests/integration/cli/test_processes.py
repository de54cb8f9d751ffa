"""Child processes, started and stopped for real."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from opsloop_cli import processes
from opsloop_cli.plan import Program
from opsloop_cli.processes import Supervisor
from opsloop_common.runtime import CannotStart
from waiting import until

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", deaf])
print(child.pid, flush=True)
time.sleep(60)
"""
THOROUGH = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(4), print("done", flush=True), sys.exit(0)))
print("up", flush=True)
time.sleep(60)
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print(time.monotonic(), flush=True), sys.exit(0)))
print("up", flush=True)
time.sleep(60)
"""


def python(name: str, code: str) -> Program:
    return Program(name=name, argv=(sys.executable, "-c", code), env=dict(os.environ))


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    found = Supervisor(tmp_path)
    yield found
    await found.stop()


async def test_a_dead_child_is_told_with_its_code_and_last_words(supervisor: Supervisor, tmp_path: Path) -> None:
    """Who, how, where the log is, and the end of it."""
    supervisor.start(python("notifier", "import sys; print('first'); print('last words'); sys.exit(3)"))
    with pytest.raises(CannotStart) as told:
        await asyncio.wait_for(supervisor.watch(), 10)
    text = str(told.value)
    assert "notifier ended with exit code 3;" in text.splitlines()[0]
    assert str(tmp_path / "notifier.log") in text
    assert text.endswith("last words")


async def test_a_killed_child_is_told_by_its_signal(supervisor: Supervisor) -> None:
    """`kill -9` reads as such."""
    supervisor.start(python("metrics", "import os; os.kill(os.getpid(), 9)"))
    with pytest.raises(CannotStart, match="metrics was killed by SIGKILL"):
        await asyncio.wait_for(supervisor.watch(), 10)


async def test_a_program_that_does_not_exist_is_told(supervisor: Supervisor) -> None:
    """No traceback for a missing executable."""
    with pytest.raises(CannotStart, match="cannot start nats"):
        supervisor.start(Program(name="nats", argv=("/nowhere/nats-server",), env={}))


async def test_stopping_ends_ingress_first_and_the_broker_last(supervisor: Supervisor, tmp_path: Path) -> None:
    """Whoever lets work in stops before those who do it, and the broker after all."""
    names = ("nats", "sandbox", "orchestrator", "ingress")
    for name in names:
        supervisor.start(python(name, POLITE))
    await until(lambda: all("up" in (tmp_path / f"{name}.log").read_text() for name in names))
    await supervisor.stop()
    stopped_at = {name: float((tmp_path / f"{name}.log").read_text().split()[1]) for name in names}
    assert sorted(names, key=lambda name: stopped_at[name]) == ["ingress", "orchestrator", "sandbox", "nats"]


async def test_whoever_has_something_to_finish_may(supervisor: Supervisor, tmp_path: Path) -> None:
    """Four seconds, which a task has that cannot be repeated; nobody waits any longer than that."""
    supervisor.start(python("orchestrator", THOROUGH))
    log = tmp_path / "orchestrator.log"
    await until(lambda: "up" in log.read_text())
    started_at = time.monotonic()
    await supervisor.stop()
    assert log.read_text().split() == ["up", "done"]
    assert supervisor.children[0].exit_code == 0
    assert time.monotonic() - started_at < 6


async def test_what_does_not_listen_is_killed_with_its_own_children(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM ignored, grandchild included: everything is gone when the last wave's time is over."""
    hurried = tuple((services, seconds / 5) for services, seconds in processes.STOP_WAVES)
    monkeypatch.setattr(processes, "STOP_WAVES", hurried)
    supervisor.start(python("orchestrator", STUBBORN))
    log = tmp_path / "orchestrator.log"
    await until(lambda: log.read_text().strip() != "")
    grandchild = int(log.read_text().split()[0])
    started_at = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - started_at < 3
    assert not is_alive(supervisor.children[0].pid)
    await until(lambda: not is_alive(grandchild))


async def test_stopping_in_a_hurry_kills_at_once(supervisor: Supervisor, tmp_path: Path) -> None:
    """A second Ctrl-C does not wait."""
    supervisor.start(python("orchestrator", STUBBORN))
    await until(lambda: (tmp_path / "orchestrator.log").read_text().strip() != "")
    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not is_alive(supervisor.children[0].pid)


async def test_the_log_of_the_run_before_is_kept(supervisor: Supervisor, tmp_path: Path) -> None:
    """One generation back."""
    for word in ("one", "two"):
        supervisor.start(python("metrics", f"print({word!r})"))
        await until(lambda: supervisor.children[-1].exit_code == 0)
    assert (tmp_path / "metrics.log.old").read_text() == "one\n"
    assert (tmp_path / "metrics.log").read_text() == "two\n"
