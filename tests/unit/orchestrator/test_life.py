"""The life of a task under everything that can happen to it: whoever acts on an old view of it changes nothing.

The journal and the policy are the real ones; the broker is a list in memory that can lose an acknowledgement.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from opsloop_common import catalogue, codec
from opsloop_common.bus import Bus, Conflict, Expect, Stored, Unconfirmed
from opsloop_common.catalogue import TaskType
from opsloop_common.commands import CancelTask, ConfirmHappened, RetryTask, RunAgain, RunTask
from opsloop_common.events import Failure, TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import Subjects
from opsloop_common.task import Result
from opsloop_orchestrator import deadlines, doubts, moves, overruns, tries
from opsloop_orchestrator.decide import Known, decide
from opsloop_orchestrator.journal import FoundTask, Journal
from opsloop_orchestrator.moves import Move
from opsloop_orchestrator.projection import row_of

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE, OPS = Person("T1", "U1"), Conversation("T1", "C1")
ID = "07-aaaaaaaaaaaaaaaaaaaa"
KINDS = ("idempotent", "at_most_once", "probed", "probed")
BACK = st.sampled_from((0, 0, 0, 0, 1, 2, 3))
LOSES = st.sampled_from((False, False, False, True))
HAPPENS: dict[str, tuple[str, ...]] = {
    "queued": ("claimed", "claimed", "claimed", "claimed", "claimed", "swept", "cancelled"),
    "running": ("ended", "ended", "ended", "lost", "lost", "lost", "reported", "cancelled"),
    "failed": ("swept", "swept", "swept", "swept", "retried", "cancelled"),
    "unknown": ("rerun", "rerun", "confirmed", "retried"),
    "succeeded": ("retried", "confirmed", "cancelled"),
    "cancelled": ("retried", "rerun"),
}
"""What somebody may do who takes the task to be in a state."""
START_WITHIN = timedelta(seconds=60)
CATALOGUE = catalogue.parse(
    """
    [tasks.idempotent]
    title = "Repeatable"
    effect = "idempotent"
    run_by = ["*"]
    timeout_seconds = 10
    total_seconds = 120
    retry = { attempts = 2, first_seconds = 0.5 }
    [tasks.at_most_once]
    title = "Once"
    run_by = ["*"]
    timeout_seconds = 10
    retry = { attempts = 2, first_seconds = 0.5 }
    [tasks.probed]
    title = "Once, and it can be found out"
    run_by = ["*"]
    [targets.naples-honda]
    title = "Naples Honda"
    """,
    "test.toml",
)
ENDS = {"succeeded", "failed", "cancelled", "unknown"}


class MemoryBroker:
    """Appends with an expected sequence, as JetStream does; the next acknowledgement may be lost."""

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.lose_next_answer = False

    async def publish(self, subject: str, payload: bytes, *, expect: Expect) -> int:
        last = self.stored[-1].sequence if self.stored else 0
        if expect.sequence != last:
            raise Conflict(subject)
        self.stored.append(Stored(subject, last + 1, payload, START))
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise Unconfirmed(subject)
        return last + 1

    async def last(self, stream: str, subject: str) -> Stored | None:
        return self.stored[-1] if self.stored else None

    @property
    def history(self) -> list[TaskState]:
        return [cast("TaskState", codec.decode_event(stored.data).data) for stored in self.stored]


class Life(RuleBasedStateMachine):
    """Workers act on a view of the task, fresh or stale (so many events `back`), in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.broker = MemoryBroker()
        self.now = START
        self.requests = 0
        self.found_undone: list[TaskState] = []
        self.journal = Journal(cast("Bus", self.broker), Subjects(), lambda: self.now)

    def kind(self, task: TaskState) -> TaskType:
        return CATALOGUE.tasks[task.task]

    def append(self, move: Move, sequence: int) -> bool:
        """Whether it was written. Journal's patience covers a lost acknowledgement."""
        before = len(self.broker.stored)
        try:
            with patch("opsloop_orchestrator.journal.PAUSE_SECONDS", 0):
                found = asyncio.run(self.journal.append(move.event, move.state, sequence, patience_seconds=5))
        except Conflict:
            assert len(self.broker.stored) == before
            return False
        assert found == len(self.broker.stored) == before + 1
        return True

    def view(self, back: int) -> FoundTask:
        """The task as it was so many events ago."""
        sequence = max(1, len(self.broker.stored) - back)
        return FoundTask(self.broker.history[sequence - 1], sequence)

    def look(self) -> FoundTask:
        found = asyncio.run(self.journal.task(ID))
        assert found is not None
        return found

    def ask(self, **more: Any) -> dict[str, Any]:
        self.requests += 1
        id = f"07-{chr(97 + self.requests % 26)}{chr(97 + self.requests // 26)}" + "b" * 18
        return {"request_id": id, "actor": ALICE, "conversation": OPS, "asked_at": self.now, **more}

    def request(self, asked: RetryTask | CancelTask | ConfirmHappened | RunAgain, view: FoundTask) -> None:
        """What a person asked, decided on a view; delivered twice."""
        for seen in (view, self.look()):
            known = Known(catalogue=CATALOGUE, task=seen.state, sequence=seen.sequence)
            move = decide(asked, known, self.now)
            if isinstance(move, Move):
                self.append(move, seen.sequence)

    @initialize(kind=st.sampled_from(KINDS))
    def created(self, kind: str) -> None:
        asked = RunTask(**{**self.ask(task=kind, target="naples-honda"), "request_id": ID})
        for _ in range(2):  # delivered twice
            move = decide(asked, Known(catalogue=CATALOGUE), self.now)
            assert isinstance(move, Move)
            self.append(move, 0)

    @rule(back=BACK, seconds=st.sampled_from((0, 0, 1, 1, 1, 15)), is_answer_lost=LOSES, data=st.data())
    def something_happens(self, back: int, seconds: int, is_answer_lost: bool, data: st.DataObject) -> None:
        """Time passes, and somebody acts on what the task was so many events ago."""
        self.now += timedelta(seconds=seconds)
        self.broker.lose_next_answer = is_answer_lost
        view = self.view(back)
        name = data.draw(st.sampled_from(HAPPENS[view.state.status]))
        action: Callable[[FoundTask, st.DataObject], None] = getattr(self, name)
        action(view, data)

    def claimed(self, view: FoundTask, data: st.DataObject) -> None:
        over = overruns.unstarted(view.state, self.kind(view.state), START_WITHIN, self.now)
        owner = data.draw(st.sampled_from(("first", "second")))
        start = moves.start(view.state, self.kind(view.state), owner, self.now)
        self.append(self.or_again(over) if over else start, view.sequence)

    def swept(self, view: FoundTask, data: st.DataObject) -> None:
        """A queued task is over, a failed one is to be tried again."""
        task = view.state
        over = overruns.unstarted(task, self.kind(task), START_WITHIN, self.now)
        if over is not None:
            self.append(self.or_again(over), view.sequence)
        elif task.retry_at is not None and self.now >= task.retry_at:
            self.append(tries.by_itself(task, view.sequence, self.now), view.sequence)

    def reported(self, view: FoundTask, data: st.DataObject) -> None:
        """A sign of life, or the want of one."""
        percent = data.draw(st.integers(-50, 100))
        move = moves.stalled(view.state, 30, self.now) if percent < 0 else moves.progressed(view.state, percent)
        self.append(move, view.sequence)

    def ended(self, view: FoundTask, data: st.DataObject) -> None:
        """A runner's end, perhaps of a process that slept while the task was taken from it."""
        task, kind = view.state, self.kind(view.state)
        if task.probing:
            return self.probed(view, data)
        bug, has_probe = Failure(code="bug", sentence="It broke."), task.task == "probed"
        ends = {
            "failed": doubts.failed(task, Failure(code="x", sentence="It broke."), kind.effect, self.now),
            "bug": doubts.failed(task, bug, kind.effect, self.now, has_probe=has_probe),
            "overdue": overruns.running(task, kind, self.now, has_probe=has_probe),
            "silent": overruns.silent(task, kind, self.now, has_probe=has_probe),
            "stopped": moves.stopped(task, kind.effect, self.now),
            "cancelled": moves.cancelled(task, self.now),
            "succeeded": moves.succeeded(task, Result(summary="Done."), self.now),
        }
        self.append(self.or_again(ends[data.draw(st.sampled_from(list(ends)))]), view.sequence)
        return None

    def probed(self, view: FoundTask, data: st.DataObject) -> None:
        """It answers, fails, or does not end in time."""
        task, kind = view.state, self.kind(view.state)
        ends = {
            "happened": doubts.probed(task, True, self.now),
            "did not": doubts.probed(task, False, self.now),
            "cannot tell": doubts.probed(task, None, self.now),
            "failed": doubts.failed(task, Failure(code="x", sentence="It broke."), kind.effect, self.now),
            "overdue": overruns.running(task, kind, self.now),
        }
        how = data.draw(st.sampled_from(list(ends)))
        if self.append(self.or_again(ends[how]), view.sequence) and how == "did not":
            self.found_undone.append(task)

    def lost(self, view: FoundTask, data: st.DataObject) -> None:
        """Its process is gone, in good order or not."""
        leave = data.draw(st.sampled_from((moves.abandoned, moves.handed_over)))
        has_probe = view.state.task == "probed"
        move = leave(view.state, self.kind(view.state).effect, self.now, has_probe=has_probe)
        self.append(self.or_again(move), view.sequence)

    def retried(self, view: FoundTask, data: st.DataObject) -> None:
        self.request(RetryTask(**self.ask(task_id=ID, drawn_at=view.sequence)), view)

    def cancelled(self, view: FoundTask, data: st.DataObject) -> None:
        self.request(CancelTask(**self.ask(task_id=ID, drawn_at=view.sequence)), view)

    def confirmed(self, view: FoundTask, data: st.DataObject) -> None:
        self.request(ConfirmHappened(**self.ask(task_id=ID, drawn_at=view.sequence)), view)

    def rerun(self, view: FoundTask, data: st.DataObject) -> None:
        self.request(RunAgain(**self.ask(task_id=ID, drawn_at=view.sequence)), view)

    def or_again(self, move: Move) -> Move:
        return tries.or_again(move, self.kind(move.state), self.now)

    @invariant()
    def the_fence_only_grows_and_grows_with_every_claim(self) -> None:
        history = self.broker.history
        for earlier, later in itertools.pairwise(history):
            claimed = earlier.status == "queued" and later.status == "running"
            assert later.fence == earlier.fence + (1 if claimed else 0)

    @invariant()
    def an_attempt_ends_once(self) -> None:
        """After the end of an attempt comes the next attempt, queued.

        Two things may be said of an end by a person, once: that an unknown one was a success, and that a failed one is
        not to be tried again.
        """
        for earlier, later in itertools.pairwise(self.broker.history):
            if earlier.status not in ENDS or is_confirmed(earlier, later) or is_given_up(earlier, later):
                assert later.attempt == earlier.attempt
            else:
                assert (later.status, later.attempt) == ("queued", earlier.attempt + 1)

    @invariant()
    def only_a_person_leaves_what_is_settled(self) -> None:
        """Anything else is tried again by itself no earlier than it was said, and no more often."""
        for earlier, later in itertools.pairwise(self.broker.history):
            if later.attempt == earlier.attempt:
                continue
            if later.tries == 1:
                assert later.tried_again_at == later.queued_at
                continue
            assert (earlier.status, later.tries) == ("failed", earlier.tries + 1)
            assert earlier.retry_at is not None
            assert later.queued_at is not None
            assert later.queued_at >= earlier.retry_at
            assert later.tries <= self.kind(later).retry.attempts

    @invariant()
    def what_is_not_settled_is_on_the_sweeper_s_list(self) -> None:
        """A queued or running task, or one that is to be tried again; nothing else."""
        state = self.broker.history[-1]
        due_at = deadlines.look_again_at(state, self.kind(state), START_WITHIN)
        assert row_of(state, 1, self.now, due_at).is_open is not state.is_settled

    @invariant()
    def an_end_has_no_loose_ends(self) -> None:
        """Nobody owns it, nothing is being found out, no silence is told."""
        for state in self.broker.history:
            if state.status in ENDS:
                assert (state.owner, state.probing, state.unless_done, state.silent_since) == ("", False, None, None)
            assert state.retry_at is None or state.status == "failed"
            assert state.confirmed_by is None or state.status == "succeeded"

    @invariant()
    def what_may_happen_once_is_never_taken_up_twice(self) -> None:
        """A task that cannot be repeated runs once in each attempt, and again only where it was found undone."""
        claims = Counter(
            later.attempt
            for earlier, later in itertools.pairwise(self.broker.history)
            if later.task != "idempotent" and earlier.status == "queued" and later.status == "running"
            if not later.probing
        )
        for attempt, count in claims.items():
            assert count <= 1 + sum(one.attempt == attempt and not one.unless_done for one in self.found_undone)

    @invariant()
    def what_nobody_could_find_out_is_not_called_a_failure(self) -> None:
        """A probe that fails, dies or takes too long leaves the outcome unknown; one that says no does not."""
        for earlier, later in itertools.pairwise(self.broker.history):
            if earlier.probing and later.status == "failed":
                assert any(one.fence == earlier.fence and one.unless_done for one in self.found_undone)

    @invariant()
    def a_running_task_has_one_owner_for_its_fence(self) -> None:
        owners: dict[int, str] = {}
        for state in self.broker.history:
            if state.status == "running":
                assert owners.setdefault(state.fence, state.owner) == state.owner


def is_confirmed(earlier: TaskState, later: TaskState) -> bool:
    return (earlier.status, later.status) == ("unknown", "succeeded") and later.confirmed_by is not None


def is_given_up(earlier: TaskState, later: TaskState) -> bool:
    given_up = earlier.retry_at is not None and later.retry_at is None and later.cancelled_by is not None
    return (earlier.status, later.status) == ("failed", "failed") and given_up


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
