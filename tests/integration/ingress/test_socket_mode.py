"""Socket Mode: acknowledged means stored, once; and whatever Slack does, the connection comes back."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from broker import NatsServer
from integration.ingress.running import RULES
from integration.ingress.slack_socket import APP_TOKEN, SlackSocket, gone, slack_socket
from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.commands import RetryTask, RunTask
from opsloop_common.subjects import Subjects
from opsloop_ingress import socket_link
from opsloop_ingress.counters import Counters
from opsloop_ingress.handover import CommandBus, Handover
from opsloop_ingress.intake import Intake
from opsloop_ingress.modals import Modals
from opsloop_ingress.socket_address import Place
from opsloop_ingress.socket_mode import SocketMode
from unit.ingress import slack
from waiting import until


class Connected(msgspec.Struct, frozen=True):
    played: SlackSocket
    mode: SocketMode
    counters: Counters
    running: asyncio.Task[None]

    def counted(self, name: str, **labels: str) -> float:
        return self.counters.registry.get_sample_value(name, labels) or 0.0

    async def ready(self) -> None:
        await until(lambda: self.mode.check() == "" and bool(self.played.sockets))


@contextlib.asynccontextmanager
async def socket_mode(bus: CommandBus | None, played: SlackSocket) -> AsyncIterator[Connected]:
    counters = Counters()
    handover = Handover(Subjects(), counters)
    modals = Modals(Subjects(), counters)
    handover.bus = bus
    modals.bus = bus if isinstance(bus, Bus) else None
    intake = Intake(signing_secrets=(), rules=RULES, handover=handover, modals=modals, counters=counters)
    place = Place(api_url=played.api_url, app_token=APP_TOKEN)
    mode = SocketMode(place=place, intake=intake, open_sockets=counters.sockets)
    running = asyncio.create_task(mode.run())
    try:
        yield Connected(played, mode, counters, running)
    finally:
        await gone(running)


@pytest.fixture
async def played() -> AsyncIterator[SlackSocket]:
    async with slack_socket() as found:
        yield found


@pytest.fixture
async def connected(bus: Bus, played: SlackSocket) -> AsyncIterator[Connected]:
    async with socket_mode(bus, played) as found:
        await found.ready()
        yield found


class SlowBus:
    """Confirms when it is told to."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.confirm = asyncio.Event()

    async def publish(
        self, subject: str, payload: bytes, *, message_id: str = "", deadline_seconds: float = 2.0
    ) -> int:
        self.published.append(message_id)
        await self.confirm.wait()
        return 1


async def test_acknowledged_when_stored(connected: Connected, bus: Bus) -> None:
    """A word and a click are in CMD when Slack has its acknowledgement; the token went along in a header."""
    played = connected.played
    for kind, payload in (
        ("slash_commands", slack.command_fields("run schema_fix *.> {x}")),
        ("interactive", slack.click_payload(slack.button("task.retry"))),
    ):
        await played.until_acknowledged(await played.send(kind, payload))
    run, retry = [codec.decode_command(found.data) for found in await bus.read("CMD", "ops.cmd.>")]
    assert isinstance(run.data, RunTask)
    assert isinstance(retry.data, RetryTask)
    assert abs(run.data.asked_at.timestamp() - time.time()) < 5
    assert played.asked == [f"Bearer {APP_TOKEN}"]
    assert connected.counted("ingress_slack_sockets") == 1


async def test_never_acknowledged_before_the_broker_confirms(played: SlackSocket) -> None:
    """The acknowledgement waits for the confirmation; meanwhile others are served."""
    bus = SlowBus()
    async with socket_mode(bus, played) as connected:
        await connected.ready()
        stored = await played.send("slash_commands", slack.command_fields("help"))
        await until(lambda: len(bus.published) == 1)
        event = await played.send("events_api", json.loads(slack.event()))
        await played.until_acknowledged(event)
        assert played.acknowledged == [event]
        bus.confirm.set()
        await played.until_acknowledged(stored)


async def test_unconfirmed_is_not_acknowledged(played: SlackSocket) -> None:
    """Nothing is said within the two seconds, nor after; it is counted like a 503, and so is a missing broker."""
    async with socket_mode(SlowBus(), played) as connected:
        await connected.ready()
        await played.send("slash_commands", slack.command_fields("help"))
        await until(lambda: connected.counted("ingress_unavailable_total", reason="unconfirmed") == 1, 4)
    async with socket_mode(None, played) as connected:
        await connected.ready()
        await played.send("slash_commands", slack.command_fields("help"))
        await until(lambda: connected.counted("ingress_unavailable_total", reason="no_broker") == 1)
        assert connected.counted("ingress_requests_total", kind="command", outcome="unavailable") == 1
    assert played.acknowledged == []


async def test_broker_away_and_back(connected: Connected, bus: Bus, nats_server: NatsServer) -> None:
    """Without the broker no acknowledgement; with it again, without a new connection, everything once."""
    played = connected.played
    nats_server.kill()
    for number in range(5):
        await played.send("slash_commands", slack.command_fields("help", trigger_id=f"away.{number}"))
    await until(lambda: connected.counted("ingress_requests_total", kind="command", outcome="unavailable") == 5)
    assert played.acknowledged == []
    nats_server.start()
    await until(lambda: bus.is_connected)
    await played.until_acknowledged(await played.send("slash_commands", slack.command_fields("help")))
    stored = [codec.decode_command(found.data).id for found in await bus.read("CMD", "ops.cmd.>")]
    assert len(stored) == len(set(stored))
    assert played.ever == 1


async def test_repeated_envelope_is_one_request(connected: Connected, bus: Bus) -> None:
    """The same envelope again, and the same payload in another one: acknowledged each time, stored once."""
    played, payload = connected.played, slack.command_fields("status naples-honda")
    await played.until_acknowledged(await played.send("slash_commands", payload, "e-1"))
    await played.send("slash_commands", payload, "e-1")
    await played.until_acknowledged(await played.send("slash_commands", payload, "e-2"))
    await until(lambda: sorted(played.acknowledged) == ["e-1", "e-1", "e-2"])
    assert len(await bus.read("CMD", "ops.cmd.>")) == 1


async def test_foreign_and_malformed_reach_no_stream(connected: Connected, bus: Bus) -> None:
    """Neither stored nor acknowledged, but counted; the connection stays."""
    played = connected.played
    await played.send("slash_commands", slack.command_fields("help", team_id="T0EVIL"))
    await played.send("interactive", slack.click_payload(slack.button("task.retry"), api_app_id="A0EVIL"))
    await played.send("something_new", {})
    await played.sockets[0].send_str("{")
    await played.send("slash_commands", slack.command_fields("x" * 65 * 1024))
    await until(lambda: connected.counted("ingress_refused_total", reason="too_large") == 1)
    await played.until_acknowledged(await played.send("events_api", json.loads(slack.event())))
    for reason in ("foreign_team", "foreign_app", "wrong_kind", "json"):
        assert connected.counted("ingress_refused_total", reason=reason) == 1, reason
    assert len(played.acknowledged) == 1
    assert await bus.read("CMD", ">") == []
    assert played.ever == 1


async def test_refresh_opens_the_next_before_the_old_ends(connected: Connected) -> None:
    """During a refresh both serve, each acknowledges what it brought, and it is ready all the time."""
    played = connected.played
    await played.say_goodbye("refresh_requested")
    await until(lambda: len(played.sockets) == 2)
    assert connected.mode.check() == ""
    for socket in (0, 1):
        payload = slack.command_fields("help", trigger_id=f"refresh.{socket}")
        await played.until_acknowledged(await played.send("slash_commands", payload, socket=socket))
    await played.sockets[0].close()
    await until(lambda: len(played.sockets) == 1)
    await until(lambda: connected.counted("ingress_slack_sockets") == 1)
    assert connected.mode.check() == ""


async def test_old_connection_is_closed_from_here_if_slack_does_not(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given some seconds after the goodbye, then only the new one is left."""
    monkeypatch.setattr(socket_link, "LINGER_SECONDS", 0.2)
    await connected.played.say_goodbye("warning")
    await until(lambda: connected.played.ever == 2)
    await until(lambda: len(connected.played.sockets) == 1)
    assert connected.mode.check() == ""


async def test_dropped_connection_comes_back(connected: Connected) -> None:
    """Again and again, and requests are taken again each time."""
    played = connected.played
    for number in range(2):
        began = played.ever
        played.drop()
        await until(lambda: connected.mode.check() != "" or played.ever > began)  # noqa: B023  # run at once
        await until(lambda: played.ever > began)  # noqa: B023
        await connected.ready()
        payload = slack.command_fields("help", trigger_id=f"dropped.{number}")
        await played.until_acknowledged(await played.send("slash_commands", payload))


async def test_silent_connection_is_given_up(played: SlackSocket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer is gone without a word: a heartbeat without an answer ends the connection; the next is opened."""
    monkeypatch.setattr(socket_link, "HEARTBEAT_SECONDS", 0.2)
    played.answers_pings = False
    async with socket_mode(None, played) as connected:
        await connected.ready()
        played.answers_pings = True
        await until(lambda: played.ever == 2)
        await connected.ready()


async def test_connection_lost_before_the_acknowledgement(
    played: SlackSocket, caplog: pytest.LogCaptureFixture
) -> None:
    """What is stored then is told in the log; Slack's repetition over the next connection is the same request."""
    bus = SlowBus()
    async with socket_mode(bus, played) as connected:
        await connected.ready()
        await played.send("slash_commands", slack.command_fields("help"), "first")
        await until(lambda: len(bus.published) == 1)
        played.drop()
        await until(lambda: played.ever == 2)
        bus.confirm.set()
        await until(lambda: "its acknowledgement is lost" in caplog.text)
        await connected.ready()
        await played.until_acknowledged(await played.send("slash_commands", slack.command_fields("help"), "second"))
        assert played.acknowledged == ["second"]
        assert len(set(bus.published)) == 1


async def test_link_disabled_is_loud(connected: Connected, caplog: pytest.LogCaptureFixture) -> None:
    """An error in the log, not ready with the reason; it comes back when Socket Mode is switched on again."""
    played = connected.played
    await played.say_goodbye("link_disabled")
    await until(lambda: "switched off" in connected.mode.check())
    assert [record.levelno for record in caplog.records if "switched off" in record.getMessage()] == [logging.ERROR]
    await connected.ready()
    assert played.ever == 2


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        ({"ok": False, "error": "invalid_auth"}, 200, "SLACK_APP_TOKEN must be an app-level token"),
        ({"ok": False, "error": "ratelimited"}, 200, "refuses the connection: ratelimited"),
        ({"ok": False, "error": "<script>"}, 200, "unknown error"),
        ({"ok": True, "url": "http://elsewhere"}, 200, "names no WebSocket"),
        ({"error": 7}, 500, "not readable (HTTP 500)"),
    ],
)
async def test_refused_by_slack(played: SlackSocket, answer: dict[str, object], status: int, told: str) -> None:
    """Not ready with the reason, tried again, no crash; once Slack agrees it connects."""
    played.answer, played.status = answer, status
    async with socket_mode(None, played) as connected:
        await until(lambda: told in connected.mode.check())
        assert APP_TOKEN not in connected.mode.check()
        await until(lambda: len(played.asked) == 2)
        played.answer, played.status = None, 200
        await connected.ready()


async def test_too_many_connections(played: SlackSocket) -> None:
    """Slack says goodbye instead of hello: not ready, and tried again."""
    played.greeting = {"type": "disconnect", "reason": "too_many_websockets"}
    async with socket_mode(None, played) as connected:
        await until(lambda: "too_many_websockets" in connected.mode.check())
        played.greeting = {"type": "hello"}
        await connected.ready()


async def test_shutdown_stores_what_is_in_flight_and_acknowledges_nothing_else(played: SlackSocket) -> None:
    """Within the second that it has, a confirmed request is still acknowledged; another is not; then all is closed."""
    quick, stuck = SlowBus(), SlowBus()
    async with socket_mode(quick, played) as connected:
        await connected.ready()
        await played.send("slash_commands", slack.command_fields("help"), "in-time")
        await until(lambda: len(quick.published) == 1)
        connected.running.cancel()
        asyncio.get_running_loop().call_later(0.1, quick.confirm.set)
        await asyncio.gather(connected.running, return_exceptions=True)
        await until(lambda: not played.sockets)
        assert played.acknowledged == ["in-time"]
    async with socket_mode(stuck, played) as connected:
        await connected.ready()
        await played.send("slash_commands", slack.command_fields("help"), "never")
        await until(lambda: len(stuck.published) == 1)
        began = time.monotonic()
        await gone(connected.running)
        assert time.monotonic() - began < 1.8
        assert connected.counted("ingress_unavailable_total", reason="stopping") == 1
    assert played.acknowledged == ["in-time"]
    assert [task for task in asyncio.all_tasks() if "opsloop_ingress" in repr(task)] == []
