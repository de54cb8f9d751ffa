"""Lists: every dealer with its state, tasks that run, wait or ended, and one task by its id."""

from collections.abc import Sequence
from datetime import datetime

from opsloop_common.answers import TargetRow, TargetsBody, TaskBody, TaskRow, TasksBody
from opsloop_common.events import OPEN_STATUSES
from opsloop_notifier import naming, rows, words
from opsloop_notifier.answers.gathered import Gathered
from opsloop_notifier.answers.said import Said
from opsloop_notifier.style import Style

_SENTENCE = 1200
_MOST_TARGETS = 60
_NOTHING_YET = "⚪"


def targets(body: TargetsBody, now: datetime, style: Style) -> Said:
    command = style.pen.line(body.command, naming.LONGEST)
    lines = [_target(row, now, style) for row in body.rows[:_MOST_TARGETS]]
    hidden = len(body.rows) - len(lines)
    more = [f"… and {hidden} more"] if hidden > 0 else []
    hint = f"Type `{command} status &lt;dealer&gt;` for a dealer's card."
    return Said.in_lines(["*Dealers*", *(lines or ["none"]), *more], [hint])


def tasks(body: TasksBody, gathered: Gathered, style: Style) -> Said:
    of = f" for *{style.pen.line(body.target, naming.LONGEST)}*" if body.target else ""
    if not (body.running or body.queued or body.ended):
        return Said.in_parts([f"No task{of} is running or waiting, and none has ended lately."])
    return Said.in_lines(
        _group(f"*Running*{of}", body.running, gathered, style),
        _group(f"*Queued*{of}", body.queued, gathered, style),
        _group(f"*Ended lately*{of}", body.ended, gathered, style),
    )


def task(body: TaskBody, gathered: Gathered, style: Style) -> Said:
    said = style.pen.line(body.said, _SENTENCE)
    lines = [_row(body.row, gathered, style), words.bar(body.percent), *([said] if said else [])]
    return Said.in_lines(lines)


def _group(title: str, found: Sequence[TaskRow], gathered: Gathered, style: Style) -> list[str]:
    if not found:
        return [f"{title}: none"]
    return [f"{title}: {len(found)}", *(_row(one, gathered, style) for one in found)]


def _row(found: TaskRow, gathered: Gathered, style: Style) -> str:
    return rows.row(found, gathered.names, style, gathered.links.get(found.id, ""))


def _target(found: TargetRow, now: datetime, style: Style) -> str:
    """`▶️ *naples-honda* – 1 running, 2 queued · newest: ugc_audit`."""
    counts = ", ".join(
        f"{count} {state}" for count, state in ((found.running, "running"), (found.queued, "queued")) if count
    )
    newest = _newest(found.newest, now, style) if found.newest else ""
    told = " · ".join(part for part in (counts, newest) if part) or "nothing was run yet"
    return f"{_sign(found)} *{style.pen.line(found.target, naming.LONGEST)}* – {told}"


def _newest(newest: TaskRow, now: datetime, style: Style) -> str:
    task = style.pen.line(newest.task, naming.LONGEST)
    if newest.status in OPEN_STATUSES:
        return f"newest: {task}"
    return f"{task} {rows.state(newest)} {words.ago(newest.at, now)}"


def _sign(found: TargetRow) -> str:
    if found.running:
        return words.STATUS_SIGNS["running"]
    if found.queued:
        return words.STATUS_SIGNS["queued"]
    return rows.sign(found.newest) if found.newest else _NOTHING_YET
