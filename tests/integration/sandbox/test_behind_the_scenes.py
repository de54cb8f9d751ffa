"""What the page reads besides messages: the stream of changes, the bus, the limits, and the services' supervisor."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from broker import NatsServer
from integration.sandbox.running import TOKEN, sandbox_at, slack_client
from opsloop_common.bus import Bus
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.onlooker import passing


async def events(stream: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """Server-sent events as (name, data)."""
    name = ""
    async for raw in stream.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def next_named(stream: AsyncIterator[tuple[str, Any]], name: str) -> Any:
    async with asyncio.timeout(5):
        async for found, data in stream:
            if found == name:
                return data
    raise AssertionError(f"the stream ended without {name}")


@asynccontextmanager
async def following(sandbox: SandboxClient, user: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """The person's stream, after its hello."""
    url = f"{sandbox.base_url}/control/stream?user={user}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        stream = events(response)
        await next_named(stream, "hello")
        yield stream


async def test_a_message_arrives_with_its_thread(sandbox: SandboxClient) -> None:
    """A reply changes its parent for everyone who follows."""
    parent = await sandbox.say("U0ALICE", "C0OPS", "parent")
    async with following(sandbox, "U0BOB") as stream:
        await sandbox.say("U0ALICE", "C0OPS", "reply", thread_ts=parent.ts)
        seen = await next_named(stream, "message")
    assert (seen["message"]["ts"], [reply["text"] for reply in seen["message"]["replies"]]) == (parent.ts, ["reply"])


async def test_the_stream_tells_nobody_what_is_for_others(sandbox: SandboxClient) -> None:
    """An ephemeral message and a private channel reach only those who may see them."""
    async with following(sandbox, "U0BOB") as stream, slack_client(sandbox) as slack:
        await slack.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="for alice")
        await sandbox.say("U0ALICE", "G0PRIVATE", "for leadership")
        await sandbox.say("U0ALICE", "C0OPS", "for all")
        assert (await next_named(stream, "message"))["message"]["text"] == "for all"


async def test_a_call_is_told_and_its_answer_can_be_read(sandbox: SandboxClient) -> None:
    """The pane gets the call at once, and the body of the answer on request; the rate budget has shrunk by it."""
    async with following(sandbox, "U0BOB") as stream, slack_client(sandbox) as slack:
        posted = await slack.chat_postMessage(channel="C0OPS", text="x")
        call = await next_named(stream, "call")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{sandbox.base_url}/control/answers/{call['n']}") as response:
            assert (await response.json())["ts"] == posted["ts"]
        async with session.get(f"{sandbox.base_url}/control/answers/99") as response:
            assert response.status == 404


async def test_the_budget_shrinks_with_every_call(tmp_path: Path) -> None:
    """With the limits on, each method shows what is left of its minute."""
    async with (
        sandbox_at(tmp_path, rate_limits=True) as sandbox,
        slack_client(sandbox) as slack,
        aiohttp.ClientSession() as session,
    ):
        await slack.users_info(user="U0BOB")
        async with session.get(f"{sandbox.base_url}/control/limits") as response:
            left = {budget["method"]: (budget["left"], budget["limit"]) for budget in await response.json()}
    assert left["users.info"] == (99, 100)
    assert left["chat.update"] == (50, 50)


async def test_what_passes_on_the_bus_is_shown(tmp_path: Path, nats_server: NatsServer) -> None:
    """With NATS_URL the stream carries each event's subject, type and source, without capabilities."""
    async with (
        sandbox_at(tmp_path / "sandbox", nats_url=nats_server.url) as sandbox,
        following(sandbox, "U0BOB") as stream,
    ):
        await _watching(sandbox)
        bus = await Bus.connect(nats_server.url, "test")
        event = {"type": "ops.task.step.v1", "source": "opsloop/orchestrator", "data": {"percent": 40}}
        await bus.client.publish("ops.evt.00.x.step", json.dumps(event).encode())
        seen = await next_named(stream, "passing")
        await bus.close()
    assert (seen["type"], seen["source"], seen["about"]) == ("ops.task.step.v1", "opsloop/orchestrator", "40 %")


async def _watching(sandbox: SandboxClient) -> None:
    async with asyncio.timeout(5), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{sandbox.base_url}/control/page") as response:
                if (await response.json())["bus"] == "watching":
                    return
            await asyncio.sleep(0.02)


async def test_without_a_broker_the_page_says_so(sandbox: SandboxClient) -> None:
    """No NATS_URL: the bus is off, and nothing else is missing."""
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.base_url}/control/page") as response:
        info = await response.json()
    assert info["bus"] == "off"
    assert "naples-honda" in info["dealers"]


def test_a_capability_on_the_bus_is_not_shown() -> None:
    """The answer URL of a command stays on the bus."""
    seen = passing("ops.cmd.run", b'{"type":"ops.cmd.run.v1","data":{"answer_url":"secret","task":"t"}}', 1, 0.0)
    assert seen.data == {"task": "t"}
    assert seen.about == "t"


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[1]", b'"x"', b'{"data":7}'])
def test_an_unreadable_message_is_shown_by_its_subject(payload: bytes) -> None:
    """Whatever passes, the onlooker does not fall over it."""
    assert passing("ops.evt.x", payload, 1, 0.0).subject == "ops.evt.x"


@asynccontextmanager
async def supervisor(path: Path) -> AsyncIterator[list[dict[str, Any]]]:
    """Answers as the demo's process does; what it was asked is in the list."""
    asked: list[dict[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wanted = json.loads(await reader.readline())
        asked.append(wanted)
        answer: dict[str, Any] = {"ok": wanted.get("name") == "notifier"}
        if wanted["do"] == "list":
            answer = {"services": [{"name": "notifier", "pid": 123, "running": True}]}
        elif not answer["ok"]:
            answer["error"] = "no such service"
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(serve, path):
        yield asked


async def test_a_service_is_listed_and_killed(tmp_path: Path) -> None:
    """The corner asks whoever started the services, and passes a refusal on."""
    path = tmp_path / "s"
    async with supervisor(path) as asked, sandbox_at(tmp_path / "d", supervisor=path) as sandbox:
        url = f"{sandbox.base_url}/control/services"
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as response:
                assert (await response.json())["services"] == [{"name": "notifier", "pid": 123, "running": True}]
            async with session.post(url, json={"do": "kill", "name": "notifier"}) as response:
                assert response.status == 200
            async with session.post(url, json={"do": "kill", "name": "nobody"}) as response:
                assert (response.status, (await response.json())["message"]) == (409, "no such service")
    assert {"do": "kill", "name": "notifier"} in asked


@pytest.mark.parametrize("is_named", [False, True])
async def test_without_a_supervisor_the_corner_says_so(tmp_path: Path, is_named: bool) -> None:
    """Not named, or not there: the list is empty and says why."""
    path = tmp_path / "nobody" if is_named else None
    async with (
        sandbox_at(tmp_path / "d", supervisor=path) as sandbox,
        aiohttp.ClientSession() as session,
        session.get(f"{sandbox.base_url}/control/services") as response,
    ):
        view = await response.json()
    assert view["services"] == []
    assert view["problem"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "SELF"}, 200),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "elsewhere.example:8090"}, 403),
    ],
)
async def test_a_page_from_elsewhere_cannot_use_the_controls(
    sandbox: SandboxClient, headers: dict[str, str], status: int
) -> None:
    """Another site's script, or a name that was pointed at this machine, is refused."""
    given = {name: sandbox.base_url if value == "SELF" else value for name, value in headers.items()}
    url = f"{sandbox.base_url}/control/workspace"
    async with aiohttp.ClientSession() as session, session.get(url, headers=given) as response:
        assert response.status == status


async def test_the_page_is_served_whole_and_nothing_beside_it(sandbox: SandboxClient) -> None:
    """The page comes with a policy that allows nothing from elsewhere; files outside it are not there."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{sandbox.base_url}/") as response:
            assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
            assert TOKEN not in await response.text()
        async with session.get(f"{sandbox.base_url}/page/main.js") as response:
            assert response.content_type == "text/javascript"
        for name in ("..%2fapp.py", "app.py", "nothing.js"):
            async with session.get(f"{sandbox.base_url}/page/{name}") as response:
                assert response.status == 404
