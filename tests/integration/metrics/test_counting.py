"""The tally with a real broker: replicas, kills, rewinds and restarts never count twice."""

import asyncio
import os
import signal
import subprocess
import sys

from prometheus_client import CollectorRegistry

from broker import NatsServer, free_port
from integration.metrics.running import AT, metrics_process, series, status_of
from opsloop_common import codec
from opsloop_common.answers import AnswerState, HelpBody
from opsloop_common.bus import Bus
from opsloop_common.commands import CountClick
from opsloop_common.events import TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import Subjects, make_id
from opsloop_common.task import Result
from opsloop_metrics.counting import Counting, TallySeries
from waiting import until

WHO, WHERE = Person("T", "U"), Conversation("T", "C")
HELP, LINK = (
    'slack_actions_total{outcome="answered",type="help"}',
    'slack_actions_total{outcome="answered",type="link"}',
)


async def ask(bus: Bus, subjects: Subjects, number: int) -> None:
    """One request for help, answered."""
    id = make_id(WHERE, "test", str(number))
    body = HelpBody(command="/x", offers=(), targets=())
    state = AnswerState(id=id, to=WHO, conversation=WHERE, answered_at=AT, body=body, visibility="private", verb="help")
    message = codec.envelope(
        id=id, source="t", type="ops.answer.answered.v1", time=AT, subject=id, data=state, causedby=id
    )
    await bus.publish(subjects.event(id, "answered"), codec.encode(message))


async def link(bus: Bus, subjects: Subjects) -> None:
    id = make_id(WHERE, "link")
    command = CountClick(request_id=id, actor=WHO, conversation=WHERE, asked_at=AT, action="task.grafana")
    message = codec.envelope(id=id, source="t", type="ops.cmd.count.v1", time=AT, subject=id, data=command)
    await bus.publish(subjects.command("count"), codec.encode(message))


async def test_two_replicas_one_killed_and_started_again_agree_on_the_total(
    nats_server: NatsServer, bus: Bus, subjects: Subjects
) -> None:
    """Each shows every request once, while one of them is killed in the middle and another takes its place."""
    async with metrics_process(nats_server.url, subjects, bus) as first:
        port = free_port()
        environment = {**os.environ, "NATS_URL": nats_server.url, "METRICS_PORT": str(port)}
        second = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "opsloop_metrics",
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await until(lambda: status_of(f"http://127.0.0.1:{port}/readyz") == 200)
        for number in range(100):
            await ask(bus, subjects, number)
        second.send_signal(signal.SIGKILL)
        await second.wait()
        for number in range(100, 200):
            await ask(bus, subjects, number)
        await link(bus, subjects)
        await until(lambda: series(first).get(HELP) == 200 and series(first).get(LINK) == 1)
        async with metrics_process(nats_server.url, subjects, bus) as third:
            await until(lambda: series(third).get(HELP) == 200)
            assert series(first)[HELP] == 200


async def test_a_figure_outlives_the_process(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> None:
    """What a result said is exported by a process that never saw the result."""
    id = make_id(WHERE, "score")
    state = TaskState(
        id=id, task="score", target="naples", title="N", conversation=WHERE, requested_by=WHO, requested_at=AT,
        status="succeeded", result=Result(summary="ok", figures={"ai_visibility_score": 71.5}),
    )  # fmt: skip
    message = codec.envelope(id=id, source="t", type="ops.task.succeeded.v1", time=AT, subject=id, data=state)
    await bus.publish(subjects.event(id, "succeeded"), codec.encode(message))
    wanted = 'ai_visibility_score{dealer="naples"}'
    for _ in range(2):
        async with metrics_process(nats_server.url, subjects, bus) as url:
            await until(lambda address=url: series(address).get(wanted) == 71.5)  # type: ignore[misc]


async def test_many_count_side_by_side_and_lose_nothing(bus: Bus, subjects: Subjects) -> None:
    """Whoever loses the write reads again."""
    for number in range(60):
        await ask(bus, subjects, number)
    counters = [Counting(bus, subjects, TallySeries(CollectorRegistry())) for _ in range(4)]
    for number in range(60, 120):
        await asyncio.gather(*(one.count() for one in counters), ask(bus, subjects, number))
    last = TallySeries(CollectorRegistry())
    await Counting(bus, subjects, last).count()
    assert last.tally.actions == {"help answered": 120}
