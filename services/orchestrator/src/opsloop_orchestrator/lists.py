"""What lists of tasks say. Pure: rows in, answers' bodies out."""

from collections.abc import Iterable

from msgspec.structs import replace

from opsloop_common.answers import HomeBody, TargetRow, TargetsBody, TaskBody, TaskRow, TasksBody
from opsloop_common.catalogue import Catalogue
from opsloop_common.events import OPEN_STATUSES, TaskState

ENDED_SHOWN = 10
OPEN_SHOWN = 15
HOME_OPEN = 12
HOME_ENDED = 10
TARGETS_SHOWN = 40
LONGEST_SAID = 600


def targets(catalogue: Catalogue, command: str, rows: Iterable[TaskRow]) -> TargetsBody:
    """Every target of the catalogue, those where something goes on first."""
    by_target: dict[str, list[TaskRow]] = {name: [] for name in catalogue.targets}
    for row in rows:
        by_target.get(row.target, []).append(row)
    found = [_target(name, catalogue.targets[name].title, of) for name, of in by_target.items()]
    found.sort(key=lambda row: (-(row.running + row.queued), row.target))
    return TargetsBody(command=command, rows=tuple(found[:TARGETS_SHOWN]))


def tasks(command: str, target: str, rows: Iterable[TaskRow]) -> TasksBody:
    """Running and queued tasks, oldest first, and the last that ended, newest first."""
    known = sorted(rows, key=lambda row: row.sequence)
    ended = [row for row in known if row.status not in OPEN_STATUSES]
    return TasksBody(
        command=command,
        target=target,
        running=tuple(row for row in known if row.status == "running")[:OPEN_SHOWN],
        queued=tuple(row for row in known if row.status == "queued")[:OPEN_SHOWN],
        ended=tuple(reversed(ended[-ENDED_SHOWN:])),
    )


def one(state: TaskState, row: TaskRow) -> TaskBody:
    said = state.failure.sentence if state.failure else state.result.summary if state.result else ""
    return TaskBody(row=row, percent=100 if state.status == "succeeded" else state.percent, said=said[:LONGEST_SAID])


def home(command: str, rows: Iterable[TaskRow]) -> HomeBody:
    """The rows of one person, newest first."""
    known = sorted(rows, key=lambda row: row.sequence, reverse=True)
    is_open = [row.status in OPEN_STATUSES for row in known]
    return HomeBody(
        command=command,
        open=tuple(row for row, yes in zip(known, is_open, strict=True) if yes)[:HOME_OPEN],
        ended=tuple(row for row, yes in zip(known, is_open, strict=True) if not yes)[:HOME_ENDED],
    )


def at_home(body: HomeBody, row: TaskRow) -> HomeBody | None:
    """The page with this task as it is now; None when it already shows it, or something newer."""
    shown = {one.id: one for one in (*body.open, *body.ended)}
    before = shown.get(row.id)
    if before is not None and (
        before.sequence >= row.sequence or replace(before, sequence=0) == replace(row, sequence=0)
    ):
        return None
    return home(body.command, {**shown, row.id: row}.values())


def _target(name: str, title: str, rows: list[TaskRow]) -> TargetRow:
    return TargetRow(
        target=name,
        title=title,
        running=sum(row.status == "running" for row in rows),
        queued=sum(row.status == "queued" for row in rows),
        newest=max(rows, key=lambda row: row.sequence, default=None),
    )
