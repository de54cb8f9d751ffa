"""What a task's card says first: which task it is, what state it is in, and how it ended."""

from collections.abc import Mapping

from opsloop_common.events import TaskState
from opsloop_common.quantities import duration
from opsloop_notifier import external, naming, words
from opsloop_notifier.style import Style

LONGEST_SENTENCE = 1200
_LONGEST_PARTIAL = 600


def title(task: TaskState, style: Style) -> str:
    attempt = f" · attempt {task.attempt}" if task.attempt > 1 else ""
    if task.external is not None:
        return f"⚙️ {external.subject(task, task.external, style)}{attempt}"
    return f"⚙️ {naming.subject(task.task, task.target, style)}{attempt}"


def state(task: TaskState, names: Mapping[str, str], links: Mapping[str, str], style: Style) -> str:
    """The state with its sign, in a line. `links` by task id."""
    sign = words.STATUS_SIGNS[task.status]
    if task.is_open and task.cancelled_by is not None:
        return f"{words.CANCELLING_SIGN} Being cancelled{naming.by(task.cancelled_by, names, style)}"
    match task.status:
        case "queued" | "running" if task.probing:
            return words.PROBING
        case "queued" if task.claims > 0:
            return words.LOST
        case "queued":
            sign = words.STALLED_SIGN if task.silent_since else sign
            return f"{sign} Queued{_waiting(task, names, links, style)}{_silence(task)}"
        case "running":
            step = style.pen.line(task.step, naming.LONGEST)
            sign = words.STALLED_SIGN if task.silent_since else sign
            return f"{sign} Running{f' – {step}' if step else ''}{_silence(task)}"
        case "succeeded" if task.confirmed_by is not None:
            return f"{sign} Completed – {confirmation(task, names, style)}"
        case "succeeded":
            seconds = duration_seconds(task)
            took = f" in {duration(seconds)}" if seconds is not None else ""
            said = outcome(task, style)
            return f"{sign} Completed{took}{f' – {said}' if said else ''}"
        case "failed":
            return f"{sign} Error: {outcome(task, style)}"
        case "cancelled":
            return f"{sign} Cancelled{naming.by(task.cancelled_by, names, style)} – {_how_far(task, style)}"
        case "unknown":
            return f"{sign} Outcome unknown: {outcome(task, style)}"


def text(task: TaskState, names: Mapping[str, str], style: Style) -> str:
    """All of it as one plain sentence, for notifications and screen readers."""
    attempt = f", attempt {task.attempt}" if task.attempt > 1 else ""
    named = (
        external.plain_subject(task, task.external, style)
        if task.external is not None
        else naming.plain_subject(task.task, task.target, style)
    )
    head = f"{named}{attempt}"
    # No text of others has an asterisk left, so those that are there are our own formatting.
    said = f"{head}: {state(task, names, {}, style).replace('*', '')} ({percent(task)}%)"
    return " ".join(part for part in (said, partial(task, style), tried_again(task, names, style)) if part)


def confirmation(task: TaskState, names: Mapping[str, str], style: Style) -> str:
    """`Bob confirmed that it happened`."""
    return f"{naming.person(task.confirmed_by, names, style) or 'somebody'} confirmed that it happened"


def tried_again(task: TaskState, names: Mapping[str, str], style: Style) -> str:
    """`🔁 It will be tried again today 12:00 (try 2 of 3).`, or who stopped that; empty when nothing was planned."""
    if task.status != "failed" or task.tries >= task.tries_at_most:
        return ""
    if task.retry_at is not None:
        next_try = f"(try {task.tries + 1} of {task.tries_at_most})"
        return f"{words.AGAIN_SIGN} It will be tried again {words.moment(task.retry_at)} {next_try}."
    if task.cancelled_by is None:
        return ""
    return f"{words.CANCELLING_SIGN} It is not tried again: stopped{naming.by(task.cancelled_by, names, style)}."


def outcome(task: TaskState, style: Style) -> str:
    """What a task that ended says about it, in a sentence without its sign."""
    if task.status == "succeeded":
        return style.pen.line(task.result.summary, LONGEST_SENTENCE) if task.result else ""
    if task.status == "failed":
        return (
            style.pen.line(task.failure.sentence, LONGEST_SENTENCE) if task.failure else "It failed without a reason."
        )
    return doubt(task, style) if task.status == "unknown" else ""


def doubt(task: TaskState, style: Style) -> str:
    """Why nobody knows how the task ended."""
    return style.pen.line(task.failure.sentence, LONGEST_SENTENCE) if task.failure else words.UNKNOWN_OUTCOME


def partial(task: TaskState, style: Style) -> str:
    """`⚠️ Two reviews could not be read.`; empty when all was done."""
    said = style.pen.line(task.result.partial, _LONGEST_PARTIAL) if task.result and task.status == "succeeded" else ""
    return f"⚠️ {said}" if said else ""


def percent(task: TaskState) -> int:
    return 100 if task.status == "succeeded" else task.percent


def duration_seconds(task: TaskState) -> float | None:
    """How long the attempt ran; None for one that never started or has not ended."""
    if task.started_at is None or task.ended_at is None:
        return None
    return (task.ended_at - task.started_at).total_seconds()


def _silence(task: TaskState) -> str:
    if task.silent_since is None:
        return ""
    return f"{',' if task.step else ' –'} no sign of life for more than {duration(task.silent_seconds)}"


def _waiting(task: TaskState, names: Mapping[str, str], links: Mapping[str, str], style: Style) -> str:
    if task.holds_for == "identity":
        who = naming.person(task.tried_by, names, style) or "whoever asked for it"
        return f", waiting: nobody could tell yet whether {who} is verified; trying again"
    behind = task.behind
    if behind is None:
        return ""
    line = " – " if task.place < 1 else f" – {'next' if task.place == 1 else words.ordinal(task.place)} in line, "
    who = naming.person(behind.by, names, style)
    link = links.get(behind.task_id, "")
    more = " · ".join([*([f"started by {who}"] if who else []), *([f"<{link}|open>"] if link else [])])
    return f"{line}behind *{style.pen.line(behind.task, naming.LONGEST)}*{f' ({more})' if more else ''}"


def _how_far(task: TaskState, style: Style) -> str:
    if step := style.pen.line(task.step, naming.LONGEST):
        return f"after the step “{step}”"
    return "before it started" if task.started_at is None else "before its first step was done"
