"""`opsloop conformance`: tells a publisher what is wrong with its events, what is expected, and how to mend it.

It reads events from a file, one JSON document a line, or listens to what the publisher says on the broker. Nothing is
published, and no orchestrator is needed.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from opsloop_cli.arguments import Arguments
from opsloop_cli.dead_letters import plain
from opsloop_cli.demo import catalogue_path
from opsloop_cli.publish import told
from opsloop_cli.stack import REACH_SECONDS, reach
from opsloop_common import catalogue, reports
from opsloop_common.bus import Bus
from opsloop_common.catalogue import CatalogueError
from opsloop_common.publishers import Publisher
from opsloop_common.reports import Fault, FaultReason, Read
from opsloop_common.runtime import CannotStart
from opsloop_common.settings import Environment, SettingsError
from opsloop_common.subjects import Subjects, is_token

NOT_CONFORMING = 1
MENDS: dict[FaultReason, str] = {
    "not_json": "write the event with a JSON library, in UTF-8",
    "not_an_event": "correct or leave out what the pointer leads to",
    "too_large": "say less; send log lines in several events",
    "bad_task_id": "use letters, digits, '_' and '-' in the task's id, and the same id in subject and event",
    "incomplete": "say title and state (or percent) in every event, or at least in a task's first",
    "channel_not_allowed": "leave channel out, or add it to the publisher's channels in the catalogue",
    "target_not_allowed": "leave target out, or add it to the publisher's targets in the catalogue",
    "buttons_not_allowed": "leave buttons out, or say in the catalogue who may press them (press_by)",
    "other_channel": "leave channel and target out after the first event",
    "ended": "use a new task id for a new run",
}


class Judge:
    """What is wrong with each of a publisher's events, seen one after the other."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._ended: dict[str, bool] = {}
        self.events = 0
        self.faults = 0

    def lines(self, place: str, data: bytes, task_id: str = "") -> Iterator[str]:
        """A line for each thing wrong with an event; `task_id` is the one that its subject names."""
        self.events += 1
        read = reports.read(data)
        fault = read if isinstance(read, Fault) else self._fault(read, task_id)
        if fault is not None:
            self.faults += 1
            yield f"{place}: {told(fault)}"
            yield f"    mend: {MENDS.get(fault.reason, 'see the README')}"
        elif unread := reports.unknown_fields(data):
            yield f"{place}: nobody reads {', '.join(plain(name) for name in unread)}: a slip of the pen?"

    def _fault(self, read: Read, named: str) -> Fault | None:
        report = read.report
        task_id = named or report.task_id
        if not is_token(task_id) or (report.task_id and report.task_id != task_id):
            return Fault(reason="bad_task_id", pointer=f"{read.at}/task_id", expected=reports.EXPECTED["task_id"])
        fault = reports.permitted(report, self._publisher)
        if fault is None and task_id not in self._ended:
            fault = reports.beginning(report)
        if fault is None and self._ended.get(task_id):
            fault = Fault(reason="ended", pointer="/state", expected="nothing after the end")
        if fault is not None:
            return read.placed(fault)
        self._ended[task_id] = report.state in ("succeeded", "failed", "cancelled")
        return None


async def run(environment: Mapping[str, str], asked: Arguments) -> int:
    """Prints what is wrong; 0 when nothing is. Raises CannotStart, SettingsError."""
    env = Environment(environment)
    judge = Judge(_publisher(env, asked.publisher))
    url, subjects = env.text("NATS_URL", "nats://127.0.0.1:4222"), env.root()
    env.check()
    if asked.listen:
        await _listen(url, subjects, asked, judge)
    else:
        for number, line in enumerate(_file(asked.file), 1):
            if line.strip():
                _print(judge.lines(f"{asked.file or 'stdin'}:{number}", line))
    print(f"{judge.events} events, {judge.faults} with faults")
    if judge.events == 0:
        print(f"nothing was heard on {subjects.reports_of(asked.publisher)}: is that where it publishes?")
    return NOT_CONFORMING if judge.faults or not judge.events else 0


def _publisher(env: Environment, name: str) -> Publisher:
    try:
        known = catalogue.load(catalogue_path(env)).publishers
    except CatalogueError as error:
        raise SettingsError(error.mistakes) from error
    if name not in known:
        raise CannotStart(f"no publisher {name!r} in the catalogue; known are {', '.join(known) or 'none'}")
    return known[name]


def _file(path: str) -> Iterable[bytes]:
    if not path or path == "-":
        return sys.stdin.buffer
    try:
        return Path(path).read_bytes().splitlines()
    except OSError as error:
        raise CannotStart(f"cannot read {path}: {error.strerror}") from error


async def _listen(url: str, subjects: Subjects, asked: Arguments, judge: Judge) -> None:
    bus = await reach(url, REACH_SECONDS)
    print(f"listening on {subjects.reports_of(asked.publisher)} for {asked.listen:g} s", flush=True)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(asked.listen):
                await _hear(bus, subjects.reports_of(asked.publisher), judge)
    finally:
        await bus.close()


async def _hear(bus: Bus, subject: str, judge: Judge) -> None:
    async for seen in bus.watch(subject):
        _print(judge.lines(plain(seen.subject), seen.data, seen.subject.split(".")[-2]))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)
