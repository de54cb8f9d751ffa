"""The sandbox as a process: what survives its death, how it stops, and how it refuses to start."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from integration.sandbox.running import CONTENT_TOKEN, environment, sandbox_process, slack_client
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import Call, SeenMessage, SiteView


async def everything(sandbox: SandboxClient) -> tuple[list[SeenMessage], list[Call], SiteView]:
    return await sandbox.messages("U0ALICE"), await sandbox.calls(), await sandbox.site("tampa-chevrolet")


async def test_nothing_is_forgotten_after_a_kill(tmp_path: Path) -> None:
    """After kill -9 and a torn last line the same messages, calls and site content are there, and new ones follow."""
    with sandbox_process(tmp_path) as (process, url):
        async with SandboxClient(url) as sandbox, slack_client(sandbox) as slack:
            first = await slack.chat_postMessage(channel="C0OPS", text="first")
            await slack.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="private")
            gone = await slack.chat_postMessage(channel="C0OPS", text="gone")
            await slack.chat_delete(channel="C0OPS", ts=gone["ts"])
            await slack.chat_update(channel="C0OPS", ts=first["ts"], text="changed")
            before_put = await sandbox.site("tampa-chevrolet")
            headers = {"Authorization": f"Bearer {CONTENT_TOKEN}", "If-Match": before_put.etag}
            async with aiohttp.ClientSession() as web:
                target = f"{url}/sites/tampa-chevrolet/content/jsonld"
                async with web.put(target, json={"name": "Tampa"}, headers=headers) as response:
                    assert response.status == 204
            before = await everything(sandbox)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=5)
    for journal in (tmp_path / "sandbox").iterdir():
        with journal.open("ab") as file:
            file.write(b'{"type":"torn')

    with sandbox_process(tmp_path) as (_, url):
        async with SandboxClient(url) as sandbox, slack_client(sandbox) as slack:
            assert await everything(sandbox) == before
            again = await slack.chat_postMessage(channel="C0OPS", text="second")
    assert again["ts"] > gone["ts"]
    with sandbox_process(tmp_path) as (_, url):
        async with SandboxClient(url) as sandbox:
            assert [message.text for message in await sandbox.messages("U0BOB")] == ["changed", "second"]


async def test_sigterm_ends_it_within_a_second_even_while_a_site_hangs(tmp_path: Path) -> None:
    """Requests that hang do not keep the process alive, and its exit status is 0."""
    with sandbox_process(tmp_path) as (process, url):
        async with aiohttp.ClientSession() as web:
            with pytest.raises(TimeoutError):
                await web.get(f"{url}/sites/orlando-ford/", timeout=aiohttp.ClientTimeout(total=0.2))
            address = url.removeprefix("http://").split(":")
            with socket.create_connection((address[0], int(address[1]))) as hanging:
                hanging.sendall(b"GET /sites/orlando-ford/ HTTP/1.1\r\nHost: x\r\n\r\n")
                async with web.get(f"{url}/healthz") as response:
                    assert response.status == 200
                started = time.monotonic()
                process.terminate()
                assert process.wait(timeout=5) == 0
        assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET is not set"),
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is not set"),
        ({"SANDBOX_PORT": "many"}, "SANDBOX_PORT must be a port"),
        ({"SANDBOX_RATE_LIMITS": "maybe"}, "SANDBOX_RATE_LIMITS must be on or off"),
    ],
)
def test_wrong_settings_are_one_clear_line(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    """A missing or wrong setting ends it with status 2 and one line that names the variable."""
    result = start(environment(tmp_path, **changes))

    assert result.returncode == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    """A port that somebody else listens on ends it with status 2 and one line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = start(environment(tmp_path, SANDBOX_PORT=str(taken.getsockname()[1])))

    assert result.returncode == 2
    assert "Address already in use; set SANDBOX_PORT" in result.stderr
    assert result.stderr.count("\n") == 1


def start(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "opsloop_sandbox"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=20, check=False)
