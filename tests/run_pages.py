"""Pages of runs over a real broker: events and log lines are written here, the pages are served as ingress does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
from prometheus_client import CollectorRegistry

from opsloop_common import checkpoints, codec, run_links
from opsloop_common.bus import Bus
from opsloop_common.checkpoints import StepRecord
from opsloop_common.events import Behind, Failure, FollowUp, LogLine, Parent, Step, TaskState
from opsloop_common.measures import Measure
from opsloop_common.people import Conversation, Person
from opsloop_common.probe import Health
from opsloop_common.records import Bucket
from opsloop_common.redact import Redactor
from opsloop_common.subjects import Subjects, make_id
from opsloop_common.task import Result, ResultFile
from opsloop_ingress import app, server
from opsloop_ingress.counters import Counters
from opsloop_ingress.handover import Handover
from opsloop_ingress.intake import Intake
from opsloop_ingress.modals import Modals
from opsloop_ingress.rules import Rules
from opsloop_ingress.runs.names import Names
from opsloop_ingress.runs.website import RunSite

SECRETS = ("a-secret-of-the-test",)
HIDDEN = "a-token-nobody-may-read"
HERE, ALICE = Conversation("T0", "C0"), Person("T0", "U0ALICE")
ID, OTHER = (make_id(HERE, "command", name) for name in ("one", "other"))
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)

QUEUED = TaskState(
    id=ID, task="schema_fix", target="naples-honda", title="Naples <b>Honda</b>", conversation=HERE,
    requested_by=ALICE, requested_at=BEGAN, status="queued", queued_at=BEGAN,
    params={"days": "30 <script>alert(1)</script>"},
)  # fmt: skip
RUNNING = msgspec.structs.replace(
    QUEUED, status="running", started_at=BEGAN + timedelta(seconds=1), percent=40, step="Validation started",
    steps=(Step("Schema detected", 20), Step("Validation started", 40)),
)  # fmt: skip
FAILED = msgspec.structs.replace(
    RUNNING, status="failed", ended_at=BEGAN + timedelta(seconds=9),
    failure=Failure(code="site_timeout", sentence="Schema validation timeout at step 3 (Processing). Check the site."),
)  # fmt: skip
DONE = msgspec.structs.replace(
    RUNNING, status="succeeded", attempt=2, percent=100, ended_at=BEGAN + timedelta(seconds=65),
    steps=(Step("Findings collected", 70), Step("Reported", 100)),
    result=Result(
        summary="3 problems corrected", lines=("changed @type", "added <geo>"), partial="One source was not read.",
        files=(ResultFile(name="findings ä.csv", step="Findings collected", path=("file", "csv")),),
    ),
    before=(Measure(metric="arr", title="ARR Gain (1h)", unit="usd", state="value", value=1707.11),),
    measures=(Measure(metric="arr", title="ARR Gain (1h)", unit="usd", state="value", value=8058.44),),
    parent=Parent(OTHER, "ai_score_recompute"),
    follow_ups=(
        FollowUp(task="ugc_audit", task_id=OTHER, outcome="started"),
        FollowUp(task="arr_forecast", task_id=OTHER, outcome="denied"),
    ),
)  # fmt: skip
WAITING = msgspec.structs.replace(QUEUED, behind=Behind(OTHER, "ugc_audit", ALICE), place=1)


class RunPages:
    def __init__(self, bus: Bus, subjects: Subjects, url: str, session: aiohttp.ClientSession) -> None:
        self._bus = bus
        self._subjects = subjects
        self.url = url
        self._session = session

    async def happen(self, *events: tuple[str, TaskState], at: datetime = BEGAN) -> None:
        for number, (name, state) in enumerate(events):
            envelope = codec.envelope(
                id=f"e{number}", source="test", type=f"ops.task.{name}.v1", time=at + timedelta(seconds=number),
                subject=state.id, data=state,
            )  # fmt: skip
            await self._bus.publish(self._subjects.event(state.id, name), codec.encode(envelope))

    async def say(self, *lines: str, attempt: int = 1) -> None:
        for line in lines:
            await self._bus.publish(self._subjects.log(ID), codec.encode(LogLine(BEGAN, attempt, line)))

    async def keep(self, step: str, attempt: int, result: object) -> None:
        steps = Bucket(self._bus, self._subjects.bucket("STEPS"), StepRecord)
        await steps.put(checkpoints.key(ID, attempt, step), StepRecord(step, codec.encode(result).decode()))

    def link(self, id: str = ID, made: datetime | None = None, path: str = "") -> str:
        link = run_links.write(SECRETS, self.url, id, made or datetime.now(UTC))
        return link.replace(f"/runs/{id}", f"/runs/{id}{path}")

    async def get(self, address: str) -> tuple[int, str, dict[str, str]]:
        async with self._session.get(address if "://" in address else self.url + address) as response:
            return response.status, await response.text(), dict(response.headers)

    async def events_of(self, address: str) -> AsyncIterator[tuple[str, object]]:
        """Server-sent events, as they come."""
        async with self._session.get(address) as response:
            assert response.status == 200
            name = ""
            async for raw in response.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                if line.startswith("data: "):
                    yield name, msgspec.json.decode(line.removeprefix("data: "))


@contextlib.asynccontextmanager
async def run_pages(bus: Bus | None, subjects: Subjects, writer: Bus) -> AsyncIterator[RunPages]:
    """`bus` is what the pages read from; None: there is no broker yet."""
    counters = Counters()
    intake = Intake(
        signing_secrets=(b"not-used-here",), rules=Rules(button_secrets=SECRETS), handover=Handover(subjects, counters),
        modals=Modals(subjects, counters), counters=counters,
    )  # fmt: skip
    runs = RunSite(subjects=subjects, secrets=SECRETS, redact=Redactor((HIDDEN,)), names=Names())
    runs.bus = bus
    listening = server.listen("127.0.0.1", 0)
    application = app.build(intake, Health(CollectorRegistry(), {}), runs.routes())
    serving = asyncio.ensure_future(server.serve(application, listening))
    try:
        async with aiohttp.ClientSession() as session:
            yield RunPages(writer, subjects, server.address(listening), session)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def texts(found: Sequence[object]) -> list[str]:
    """The lines of a log event."""
    return [str(line["text"]) for line in found if isinstance(line, dict)]
