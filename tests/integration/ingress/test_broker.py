"""Slack's 200 means that the broker has the request, once."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from broker import NatsServer
from integration.ingress import running
from integration.ingress.running import Running
from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.commands import RetryTask, RunTask
from unit.ingress import slack


@pytest.fixture
async def ingress(bus: Bus) -> AsyncIterator[Running]:
    async with running.ingress(bus) as started:
        yield started


async def test_request_is_stored_before_the_200(ingress: Running, bus: Bus) -> None:
    """A word and a click are in CMD when Slack has its answer."""
    assert (await ingress.send("command", slack.command("run schema_fix *.> {x}"))).status == 200
    assert (await ingress.send("interaction", slack.click(slack.button("task.retry")))).status == 200
    run, retry = [codec.decode_command(found.data) for found in await bus.read("CMD", "ops.cmd.>")]
    assert isinstance(run.data, RunTask)
    assert run.data.target == "*.> {x}"
    assert isinstance(retry.data, RetryTask)
    assert retry.data.task_id == slack.TASK.id


async def test_repeated_delivery_is_one_message(ingress: Running, bus: Bus) -> None:
    """The same request, side by side and again later, is answered 200 each time and stored once."""
    body = slack.command("status naples-honda")
    answers = await asyncio.gather(*[ingress.send("command", body) for _ in range(10)])
    answers.append(await ingress.send("command", body))
    assert {answer.status for answer in answers} == {200}
    assert len(await bus.read("CMD", "ops.cmd.>")) == 1


async def test_refused_requests_reach_no_stream(ingress: Running, bus: Bus) -> None:
    """Forged, foreign and malformed requests leave the stream empty."""
    await ingress.send("command", slack.command("help"), signature="v0=forged")
    await ingress.send("command", slack.command("help", team_id="T0EVIL"))
    await ingress.send("interaction", slack.command("help"))
    await ingress.send("event", b"{")
    assert await bus.read("CMD", ">") == []


async def test_broker_away_and_back(ingress: Running, bus: Bus, nats_server: NatsServer) -> None:
    """Without the broker people see a failure within 2.5 s; when it is back their clicks count again, once each."""
    assert (await ingress.send("command", slack.command("help"))).status == 200
    nats_server.kill()
    began = time.monotonic()
    answers = await asyncio.gather(
        *[ingress.send("command", slack.command("help", trigger_id=f"away.{n}")) for n in range(20)]
    )
    assert time.monotonic() - began < 2.5
    assert {answer.status for answer in answers} == {503}
    nats_server.start()
    deadline = time.monotonic() + 10
    body = slack.command("help", trigger_id="back")
    while (await ingress.send("command", body)).status != 200:
        assert time.monotonic() < deadline
    stored = [codec.decode_command(found.data).id for found in await bus.read("CMD", "ops.cmd.>")]
    assert len(stored) == len(set(stored)) == 2
