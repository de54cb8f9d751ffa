"""A task that may or may not have taken effect: what is found out about it, and what a person says. Pure."""

from datetime import datetime

from msgspec.structs import replace

from opsloop_common.catalogue import Effect
from opsloop_common.events import Failure, TaskState
from opsloop_common.people import Person
from opsloop_common.task import Result
from opsloop_orchestrator import moves
from opsloop_orchestrator.moves import Move

BUG = "bug"
"""The code of a failure nobody foresaw."""
NOTHING_HAPPENED = "It was found out that it had not taken effect: it can be retried."


def found_done(task: TaskState, now: datetime) -> Move:
    """It was looked for, and had happened."""
    when = "it was stopped" if task.unless_done else "its process was lost"
    summary = f"{task.task} had taken effect before {when}: that was found out, and it was not run again."
    return moves.succeeded(task, Result(summary=summary), now)


def found_undone(task: TaskState, now: datetime) -> Move:
    """It was looked for, and had not happened: the same attempt goes on, unless it was over or somebody wants that."""
    if task.cancelled_by is not None:
        return moves.cancelled(task, now)
    if (failure := task.unless_done) is not None:
        return moves.failed(task, replace(failure, sentence=f"{failure.sentence} {NOTHING_HAPPENED}"), now)
    return Move("queued", replace(task, status="queued", owner="", probing=False, due_at=None, queued_at=now))


def not_found_out(task: TaskState, now: datetime) -> Move:
    """Nobody could tell."""
    if (failure := task.unless_done) is not None:
        return moves.unknown(task, failure.code, f"{failure.sentence} {moves.MAYBE}", now)
    return moves.unknown(task, "unknown", moves.lost_sentence(task, moves.MAYBE), now)


def probed(task: TaskState, took_effect: bool | None, now: datetime) -> Move:
    """What its probe said."""
    if took_effect is None:
        return not_found_out(task, now)
    return found_done(task, now) if took_effect else found_undone(task, now)


def failed(task: TaskState, failure: Failure, effect: Effect, now: datetime, *, has_probe: bool = False) -> Move:
    """The handler failed. On an error that its authors did not foresee, what cannot be repeated may have happened."""
    if task.probing:
        return not_found_out(task, now)
    if effect == "at_most_once" and failure.code == BUG:
        return stopped_short(task, failure, now, has_probe=has_probe)
    return moves.failed(task, failure, now)


def stopped_short(task: TaskState, failure: Failure, now: datetime, *, has_probe: bool) -> Move:
    """What cannot be repeated ended in the middle of its work; the failure's sentence says how, and nothing else.

    It is queued to find out whether it took effect, where its kind has a probe for that; without one that is unknown.
    """
    probing = replace(task, unless_done=failure)
    if not has_probe or task.claims >= moves.CLAIMS_AT_MOST:
        return not_found_out(probing, now)
    return moves.to_be_probed(probing, now)


def confirmed(task: TaskState, by: Person) -> Move:
    """A person says that it happened. The attempt ended when its outcome became unknown; this settles which end."""
    return Move("succeeded", replace(task, status="succeeded", percent=100, confirmed_by=by))
