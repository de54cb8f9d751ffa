"""The demo's backstage door."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from opsloop_cli.backstage import open_door
from opsloop_cli.plan import Program, backstage_socket
from opsloop_cli.processes import Supervisor
from waiting import until

SLEEPER = Program(name="notifier", argv=(sys.executable, "-c", "import time; time.sleep(60)"), env={})


async def ask(folder: Path, wish: bytes) -> dict[str, object]:
    path = backstage_socket(folder)
    assert path is not None
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(wish + b"\n")
    answer = msgspec.json.decode(await reader.readline(), type=dict[str, object])
    writer.close()
    return answer


async def test_a_killed_service_can_be_started_again_and_stops_nothing_else(tmp_path: Path) -> None:
    """Killed on purpose is no accident; started again it has a new process."""
    supervisor = Supervisor(tmp_path)
    supervisor.start(SLEEPER)
    before = supervisor.children[0].pid
    async with open_door(supervisor, tmp_path):
        assert await ask(tmp_path, b'{"do":"kill","name":"notifier"}') == {"ok": True}
        await until(lambda: supervisor.children[0].exit_code is not None)
        assert supervisor.dead() == []
        assert await ask(tmp_path, b'{"do":"start","name":"notifier"}') == {"ok": True}
        listed = await ask(tmp_path, b'{"do":"list"}')
    assert listed == {"services": [{"name": "notifier", "pid": supervisor.children[0].pid, "running": True}]}
    assert supervisor.children[0].pid != before
    await supervisor.stop()


@pytest.mark.parametrize("wish", [b"", b"nonsense", b'{"do":"dance"}', b'{"do":"kill","name":"nats"}', b"x" * 3000])
async def test_any_other_wish_is_refused_in_words(tmp_path: Path, wish: bytes) -> None:
    """Neither the broker nor anything unknown can be touched."""
    supervisor = Supervisor(tmp_path)
    supervisor.start(msgspec.structs.replace(SLEEPER, name="nats"))
    async with open_door(supervisor, tmp_path):
        assert (await ask(tmp_path, wish))["ok"] is False
    assert supervisor.children[0].exit_code is None
    await supervisor.stop()
