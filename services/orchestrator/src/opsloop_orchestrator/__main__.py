"""Starts the orchestrator: reads the environment, connects, wires, runs."""

import asyncio
import os
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from opsloop_common import log, runtime, service, tracing
from opsloop_common.bus import Bus
from opsloop_common.bus.consume import Consumer, Handler
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.checkpoints import StepRecord
from opsloop_common.events import TaskState
from opsloop_common.measures import Measure, MetricQuery, RangeQuery, Series
from opsloop_common.outbox import Outbox
from opsloop_common.probe import Health
from opsloop_common.records import Bucket
from opsloop_common.redact import Redactor
from opsloop_common.service import Endpoint, QuestionSeries
from opsloop_common.subjects import Subjects
from opsloop_orchestrator import deadlines, identities
from opsloop_orchestrator.commands import Commands, Sources
from opsloop_orchestrator.external.intake import Intake
from opsloop_orchestrator.external.log_lines import LogLines
from opsloop_orchestrator.external.watch import Watch
from opsloop_orchestrator.follow_ups import FollowUps
from opsloop_orchestrator.homes import Homes
from opsloop_orchestrator.journal import Journal
from opsloop_orchestrator.leases import Lease, LeaseRecord, Leases
from opsloop_orchestrator.line import Line
from opsloop_orchestrator.lines import LogWriter
from opsloop_orchestrator.projection import Projection, Row
from opsloop_orchestrator.questions import Questions
from opsloop_orchestrator.readings import Readings
from opsloop_orchestrator.runners import RunnerPool
from opsloop_orchestrator.settings import Settings, read
from opsloop_orchestrator.steps import Steps
from opsloop_orchestrator.sweeper import Sweeper
from opsloop_orchestrator.targets import TargetRecord, Targets
from opsloop_orchestrator.worker import Worker

SERVICE = "orchestrator"
COMMANDS_SIDE_BY_SIDE = 64
CLAIMS_SIDE_BY_SIDE = 16
"""Beyond the tasks that run: looking whether a task may start must not wait for one that has to be looked up."""
FOLLOW_UPS_SIDE_BY_SIDE = 16
REPORTS_SIDE_BY_SIDE = 500
"""Of one publisher; those of a task are taken in together."""


def now() -> datetime:
    return datetime.now(UTC)


async def start() -> None:
    settings = read(os.environ)
    redact = Redactor(tuple(value for named in settings.secrets.values() for value in named.values()))
    log.set_up(SERVICE, settings.service.log_level, redact)
    tracing.set_up("orchestrator", os.environ)
    registry = CollectorRegistry()
    readiness = runtime.Readiness(registry, settings.service.nats_monitor_url)
    health = Health(registry, {"broker": readiness.check})
    async with runtime.probing(health, settings.service, SERVICE):
        bus = await runtime.connect(settings.service, SERVICE)
        try:
            await readiness.wait(bus, settings.service.subjects, tuple(settings.catalogue.publishers))
            work = serve(bus, settings, redact, ConsumerSeries(registry), QuestionSeries(registry))
            await runtime.together(runtime.beat(health), readiness.while_streams_stand(work))
        finally:
            await bus.close()


async def serve(
    bus: Bus, settings: Settings, redact: Redactor, series: ConsumerSeries, asked: QuestionSeries | None = None
) -> None:
    """Runs everything until cancelled."""
    subjects = settings.service.subjects
    journal = Journal(bus, subjects, now)
    targets = Targets(Bucket(bus, subjects.bucket("TARGETS"), TargetRecord), journal, now)
    runners = RunnerPool(settings.slots, settings.runner_environment)
    leases = Leases(
        Bucket(bus, subjects.bucket("LEASES"), LeaseRecord),
        seconds=settings.lease_seconds,
        runners=runners,
        since=now(),
    )

    async def ask(question: MetricQuery, deadline_seconds: float) -> Measure | None:
        try:
            return await service.request(bus, subjects.metric("value"), question, Measure, deadline_seconds)
        except service.Unanswered:
            return None

    async def ask_course(question: RangeQuery, deadline_seconds: float) -> Series | None:
        try:
            return await service.request(bus, subjects.metric("range"), question, Series, deadline_seconds)
        except service.Unanswered:
            return None

    catalogue = settings.catalogue
    identify = identities.asking(bus, subjects.identity)
    readings = Readings(ask=ask, ask_course=ask_course, metrics=catalogue.metrics, journal=journal)
    homes = Homes(journal, catalogue.command, now)
    line = Line(targets, journal, now)
    steps = Steps(Bucket(bus, subjects.bucket("STEPS"), StepRecord))

    def due_at(task: TaskState) -> datetime | None:
        kind = catalogue.tasks.get(task.task)
        return deadlines.look_again_at(task, kind, settings.start_within) if kind else task.retry_at

    projection = Projection(Bucket(bus, subjects.bucket("TASKS"), Row), journal, homes, due_at)
    outbox = Outbox(bus, subjects)
    commands = Commands(
        sources=Sources(journal, projection, readings, identify),
        targets=targets,
        line=line,
        homes=homes,
        outbox=outbox,
        catalogue=catalogue,
        clock=now,
        start_within=settings.start_within,
    )
    follow_ups = FollowUps(journal=journal, targets=targets, identify=identify, catalogue=catalogue, clock=now)

    def log_writer(task: TaskState, lease: Lease) -> LogWriter:
        return LogWriter(
            bus=bus, subject=subjects.log(task.id), attempt=task.attempt, permit=lease, redact=redact, clock=now
        )

    worker = Worker(
        leases=leases,
        slots=settings.slots,
        journal=journal,
        targets=targets,
        steps=steps,
        runners=runners,
        catalogue=catalogue,
        readings=readings,
        answer=Questions(readings, projection, steps).answer,
        identify=identify,
        line=line,
        start_within=settings.start_within,
        secrets=lambda target: settings.secrets[target],
        log_writer=log_writer,
        clock=now,
    )
    sweeper = Sweeper(
        projection=projection,
        journal=journal,
        leases=leases,
        worker=worker,
        line=line,
        catalogue=catalogue,
        every_seconds=settings.sweep_seconds,
        clock=now,
    )

    def consumer(stream: str, durable: str, handler: Handler, capacity: int) -> Consumer:
        return Consumer(
            bus,
            service=SERVICE,
            stream=subjects.stream(stream),
            durable=durable,
            subjects=subjects,
            handler=handler,
            capacity=capacity,
            series=series,
        )

    log_lines = LogLines(bus, subjects, redact)

    async def acknowledged(publisher: str) -> int:
        return (await bus.progress(subjects.stream(f"EXT_{publisher}"), SERVICE)).acknowledged

    intakes = {
        name: Intake(
            publisher=publisher,
            journal=journal,
            outbox=outbox,
            lines=log_lines,
            acknowledged=partial(acknowledged, name),
            redact=redact,
            clock=now,
        )
        for name, publisher in catalogue.publishers.items()
    }

    try:
        async with runtime.staying(runtime.together(leases.run(), runners.run())) as alive:
            try:
                await runtime.together(
                    consumer("CMD", "orchestrator", commands.handle, COMMANDS_SIDE_BY_SIDE).run(),
                    consumer("EVT", "orchestrator-queued", worker.handle, settings.slots + CLAIMS_SIDE_BY_SIDE).run(),
                    consumer("EVT", "orchestrator-follow-ups", follow_ups.handle, FOLLOW_UPS_SIDE_BY_SIDE).run(),
                    consumer("EVT", "orchestrator-projection", projection.handle, 1).run(),
                    sweeper.run(),
                    Watch(projection, journal, now, settings.sweep_seconds).run(),
                    *(
                        consumer(f"EXT_{name}", "orchestrator", intake.handle, REPORTS_SIDE_BY_SIDE).run()
                        for name, intake in intakes.items()
                    ),
                    *([_answer_reports(bus, subjects, intakes, asked)] if intakes else []),
                    alive,
                )
            finally:
                # First nothing comes in any more, then what runs is handed over under a lease that is still renewed.
                await runtime.undisturbed(worker.hand_over())
                await asyncio.gather(readings.close(), *(intake.close() for intake in intakes.values()))
    finally:
        await runtime.undisturbed(leases.release())


async def _answer_reports(
    bus: Bus, subjects: Subjects, intakes: dict[str, Intake], series: QuestionSeries | None
) -> None:
    """Takes in, until cancelled, what publishers want to be answered."""
    await service.serve(
        bus,
        name="publish",
        version=version("opsloop-orchestrator"),
        description="Takes in reports of other systems' tasks and says what became of them",
        endpoints=tuple(Endpoint(name, subjects.publishing(name), intake.answer) for name, intake in intakes.items()),
        series=series,
    )


def main() -> None:
    runtime.main(SERVICE, start)


if __name__ == "__main__":
    main()
