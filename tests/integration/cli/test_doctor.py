"""`opsloop doctor` against a deployment that is well, and against one broken in each way it knows."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from broker import NatsServer, free_port
from integration.ingress.running import ingress
from integration.metrics.fake_grafana import TOKEN as GRAFANA_TOKEN
from integration.metrics.fake_grafana import fake_grafana
from integration.sandbox.running import CLERK_KEY, NOBODY, TOKEN, sandbox_at
from opsloop_cli.doctor import clocks, deployment
from opsloop_cli.doctor.examination import examine
from opsloop_cli.doctor.finding import Finding
from opsloop_cli.doctor.scopes import SCOPES
from opsloop_common.bus import Bus
from opsloop_sandbox.client import SandboxClient
from unit.ingress import slack

APP_TOKEN = "xapp-1-A0OPSLOOP-test"
CATALOGUE = '[tasks.a]\ntitle = "A"\nrun_by = ["*"]\n[targets.b]\ntitle = "B"\n'


class Deployment:
    """One that is well: a broker with its streams, a Slack, an ingress, Clerk, Prometheus and Grafana."""

    def __init__(self, sandbox: SandboxClient, variables: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.variables = variables

    async def findings(self, channel: str = "", **changes: str) -> list[Finding]:
        found, settings = deployment.read({**self.variables, **changes})
        return settings + await examine(found, channel)

    async def wrong(self, channel: str = "", **changes: str) -> dict[str, Finding]:
        """What is not well, by name; whatever is wrong or to be known says what mends it."""
        found = [finding for finding in await self.findings(channel, **changes) if finding.state != "ok"]
        assert all(finding.mend for finding in found)
        return {finding.name: finding for finding in found}


@pytest.fixture
async def well(tmp_path: Path, nats_server: NatsServer, bus: Bus) -> AsyncIterator[Deployment]:
    (tmp_path / "opsloop.toml").write_text(CATALOGUE)
    async with (
        sandbox_at(tmp_path / "sandbox", app_token=APP_TOKEN) as sandbox,
        ingress(bus) as served,
        fake_grafana() as grafana,
    ):
        url = sandbox.api_url.removesuffix("/api/").rstrip("/")
        yield Deployment(
            sandbox,
            {
                "OPSLOOP_CONFIG": str(tmp_path / "opsloop.toml"),
                "OPSLOOP_SECRET": "a-secret-of-the-test",
                "NATS_URL": nats_server.url,
                "NATS_MONITOR_URL": nats_server.monitor_url,
                "SLACK_API_URL": sandbox.api_url,
                "SLACK_BOT_TOKEN": TOKEN,
                "SLACK_APP_TOKEN": APP_TOKEN,
                "SLACK_SIGNING_SECRET": slack.SIGNING_SECRET,
                "PUBLIC_URL": f"http://127.0.0.1:{served.port}",
                "CLERK_API_URL": f"{url}/clerk/v1",
                "CLERK_SECRET_KEY": CLERK_KEY,
                "PROMETHEUS_URL": f"{url}/prometheus",
                "GRAFANA_URL": grafana.url,
                "GRAFANA_TOKEN": GRAFANA_TOKEN,
            },
        )


async def test_what_is_well_is_found_well(well: Deployment) -> None:
    """Everything was looked at; nothing is wrong, and nothing was left behind anywhere."""
    found = await well.findings("C0OPS")
    assert [finding for finding in found if finding.state != "ok"] == []
    assert {finding.name for finding in found} == {
        "settings", "slack token", "slack scopes", "clock of slack", "slack socket", "read back", "public url",
        "slack requests", "nats", "streams", "clock of nats", "clerk", "prometheus", "grafana",
    }  # fmt: skip
    assert await well.sandbox.messages("U0ALICE") == []


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("slack token", {"SLACK_BOT_TOKEN": "xoxb-another"}, "invalid_auth"),
        ("slack token", {"SLACK_API_URL": NOBODY}, "no answer"),
        ("slack socket", {"SLACK_APP_TOKEN": "xapp-another"}, "invalid_auth"),
        ("public url", {"PUBLIC_URL": NOBODY}, "no answer"),
        ("slack requests", {"SLACK_SIGNING_SECRET": "another-secret-0123456789"}, "signature"),
        ("nats", {"NATS_URL": "nats://127.0.0.1:9"}, "no broker"),
        ("nats", {"NATS_MONITOR_URL": NOBODY}, "cannot be verified"),
        ("nats", {"NATS_MONITOR_URL": ""}, "durability not verified"),
        ("streams", {"OPSLOOP_ROOT": "others"}, "consumers are missing: stream OTHERS_CMD"),
        ("clerk", {"CLERK_SECRET_KEY": "sk_test_another"}, "refused"),
        ("clerk", {"CLERK_API_URL": NOBODY}, "no answer"),
        ("prometheus", {"PROMETHEUS_URL": NOBODY}, "no answer"),
        ("grafana", {"GRAFANA_TOKEN": "another"}, "refused"),
        ("grafana", {"GRAFANA_URL": NOBODY}, "no answer"),
        ("settings", {"NOTIFIER_PORT": "", "OPSLOOP_SECRET": "short"}, "OPSLOOP_SECRET"),
        ("settings", {"PROMETHEUS_URL": ""}, "no figures"),
    ],
)
async def test_one_thing_that_is_broken_is_told_alone(
    well: Deployment, name: str, changes: dict[str, str], says: str
) -> None:
    """By its name, with what was seen; everything else is still found well. No secret is repeated."""
    found = await well.wrong(**changes)
    extra = {"slack socket"} if "SLACK_API_URL" in changes else {"settings"} if "NATS_MONITOR_URL" in changes else set()
    assert set(found) - extra == {name}
    assert says in found[name].text
    assert "another" not in str(found)


async def test_each_missing_scope_is_told_with_what_it_costs(well: Deployment) -> None:
    """By the header that Slack sends with every answer."""
    await well.sandbox.settings(scopes=[scope for scope in SCOPES if scope not in ("im:history", "users:read.email")])
    found = [finding for finding in await well.findings() if finding.state == "wrong"]
    assert [finding.name for finding in found] == ["slack scopes", "slack scopes"]
    assert [finding.text.split()[0] for finding in found] == ["im:history", "users:read.email"]


async def test_streams_that_differ_are_told_each(well: Deployment, bus: Bus) -> None:
    """As `provision` would change them."""
    js = bus.client.jetstream()
    config = (await js.stream_info("LOG")).config
    config.max_age = 3600
    await js.update_stream(config)
    await js.delete_stream("DLQ")
    found = [finding.text for finding in await well.findings() if finding.name == "streams"]
    assert [text for text in found if "DLQ" in text] == ["stream DLQ is missing"]
    assert any("LOG: max_age is 3600" in text for text in found)


async def test_a_broker_that_may_forget_is_wrong_unless_it_was_accepted(well: Deployment, tmp_path: Path) -> None:
    """By its monitoring port."""
    (tmp_path / "forgetful").mkdir()
    server = NatsServer(tmp_path / "forgetful", sync_interval='"2m"')
    server.start()
    try:
        places = {"NATS_URL": server.url, "NATS_MONITOR_URL": server.monitor_url}
        assert (await well.wrong(**places))["nats"].state == "wrong"
        assert (await well.wrong(**places, OPSLOOP_ALLOW_UNSYNCED="1"))["nats"].state == "warning"
    finally:
        server.kill()


async def test_a_broker_with_a_stream_that_is_shut_is_wrong(well: Deployment) -> None:
    """Its disk was full once: it goes on calling itself durable, and takes nothing."""
    monitor = web.Application()
    monitor.router.add_get("/varz", varz)
    monitor.router.add_get("/healthz", broken_health)
    async with TestServer(monitor) as server:
        found = await well.wrong(NATS_MONITOR_URL=str(server.make_url("")))
    assert "EVT' write error" in found["nats"].text
    assert "start it again" in found["nats"].mend


async def varz(_: web.Request) -> web.Response:
    return web.json_response({"jetstream": {"config": {"sync_always": True}}})


async def broken_health(_: web.Request) -> web.Response:
    error = "JetStream stream '$G > EVT' write error: write 1.blk: no space left on device"
    return web.json_response({"status": "unavailable", "error": error}, status=503)


@pytest.mark.parametrize(
    ("channel", "changes", "says"),
    [
        ("C0RANDOM", {"bot_member": False}, "not_in_channel"),
        ("C0NOWHERE", {}, "channel_not_found"),
        ("C0OPS", {"scopes": [scope for scope in SCOPES if not scope.endswith("history")]}, "cannot be read"),
    ],
)
async def test_a_message_that_cannot_be_read_back_is_told(
    well: Deployment, channel: str, changes: dict[str, object], says: str
) -> None:
    """Why, and nothing stays in the channel."""
    if "bot_member" in changes:
        await well.sandbox.settings(channel=channel, bot_member=False)
    else:
        await well.sandbox.settings(scopes=list(changes.get("scopes", SCOPES)))  # type: ignore[call-overload]
    found = await well.wrong(channel)
    assert says in found["read back"].text
    assert await well.sandbox.messages("U0ALICE") == []


@contextlib.asynccontextmanager
async def proxy(target: str, **gone: str) -> AsyncIterator[str]:
    """A Slack that is an hour ahead of everybody, and loses what `gone` names from the messages it gives back."""

    async def handle(request: web.Request) -> web.StreamResponse:
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method, f"{target}{request.path_qs}", data=await request.read(), headers=request.headers
            ) as answer,
        ):
            body = await answer.json()
            for message in body.get("messages", []):
                for name in gone:
                    message.pop(name, None)
            ahead = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 3600, UTC)
            headers = {"Date": format_datetime(ahead, usegmt=True), "X-OAuth-Scopes": answer.headers["X-OAuth-Scopes"]}
            return web.json_response(body, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def test_a_clock_that_is_off_and_a_message_that_came_back_bare_are_told(well: Deployment) -> None:
    """Without metadata the block id is enough; without both it is not."""
    target = well.variables["SLACK_API_URL"].removesuffix("/api/")
    for gone, state in (({"metadata": ""}, "warning"), ({"metadata": "", "blocks": ""}, "wrong")):
        async with proxy(target, **gone) as url:
            found = await well.wrong("C0OPS", SLACK_API_URL=f"{url}/api/", SLACK_APP_TOKEN="")
        assert found["read back"].state == state
        assert (found["clock of slack"].state, "s ahead of ours" in found["clock of slack"].text) == ("wrong", True)


def test_clocks_are_judged_by_what_is_certain() -> None:
    """A slow answer is no proof of a wrong clock."""
    states = [clocks.compared("clock", "its", ahead, doubt).state for ahead, doubt in ((6, 2), (6, 0.5), (-200, 1))]
    assert states == ["ok", "warning", "wrong"]


@pytest.mark.parametrize(("changes", "code"), [({}, 0), ({"PROMETHEUS_URL": ""}, 0), ({"PROMETHEUS_URL": NOBODY}, 1)])
async def test_the_command_tells_and_exits(well: Deployment, changes: dict[str, str], code: int) -> None:
    """0 when all is well and with warnings alone, 1 when something is wrong; as text or as JSON, without secrets."""
    for words in ((), ("--json",)):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "opsloop_cli", "doctor", "--channel", "C0OPS", *words,
            env={"PATH": "", **well.variables, **changes},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, errors) == (code, b""), (output, errors)
        assert TOKEN.encode() not in output
    document = json.loads(output)
    assert document["ok"] == (code == 0)
    assert {finding["state"] for finding in document["findings"]} <= {"ok", "warning", "wrong"}
