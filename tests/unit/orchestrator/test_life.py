"""The life of a task under everything that can happen to it: whoever acts on an old view of it changes nothing.

The journal and the policy are the real ones; the broker is a list in memory that can lose an acknowledgement.
"""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from opsloop_common import catalogue, codec
from opsloop_common.bus import Bus, Conflict, Expect, Stored, Unconfirmed
from opsloop_common.commands import CancelTask, RetryTask, RunTask
from opsloop_common.events import Failure, TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import Subjects
from opsloop_common.task import Result
from opsloop_orchestrator import moves, overruns
from opsloop_orchestrator.decide import Known, decide
from opsloop_orchestrator.journal import FoundTask, Journal
from opsloop_orchestrator.moves import Move

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE, OPS = Person("T1", "U1"), Conversation("T1", "C1")
ID = "07-aaaaaaaaaaaaaaaaaaaa"
KINDS = ("idempotent", "at_most_once")
CATALOGUE = catalogue.parse(
    """
    [tasks.idempotent]
    title = "Repeatable"
    effect = "idempotent"
    run_by = ["*"]
    [tasks.at_most_once]
    title = "Once"
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
    """Workers hold views of the task, fresh or stale, and act on them in any order."""

    views = Bundle("views")

    def __init__(self) -> None:
        super().__init__()
        self.broker = MemoryBroker()
        self.now = START
        self.requests = 0
        self.journal = Journal(cast("Bus", self.broker), Subjects(), lambda: self.now)

    def append(self, move: Move, sequence: int) -> bool:
        """Whether it was written. Journal's patience covers a lost acknowledgement."""
        before = len(self.broker.stored)
        try:
            found = asyncio.run(self.journal.append(move.event, move.state, sequence, patience_seconds=5))
        except Conflict:
            assert len(self.broker.stored) == before
            return False
        assert found == len(self.broker.stored) == before + 1
        return True

    def look(self) -> FoundTask:
        found = asyncio.run(self.journal.task(ID))
        assert found is not None
        return found

    def ask(self, **more: Any) -> dict[str, Any]:
        self.requests += 1
        id = f"07-{chr(97 + self.requests % 26)}{chr(97 + self.requests // 26)}" + "b" * 18
        return {"request_id": id, "actor": ALICE, "conversation": OPS, "asked_at": self.now, **more}

    def request(self, asked: RetryTask | CancelTask, view: FoundTask) -> None:
        """What a person asked, decided on a view; delivered twice."""
        for seen in (view, self.look()):
            known = Known(catalogue=CATALOGUE, task=seen.state, sequence=seen.sequence)
            move = decide(asked, known, self.now)
            if isinstance(move, Move):
                self.append(move, seen.sequence)

    @initialize(kind=st.sampled_from(KINDS), target=views)
    def created(self, kind: str) -> FoundTask:
        asked = RunTask(**{**self.ask(task=kind, target="naples-honda"), "request_id": ID})
        for _ in range(2):  # delivered twice
            move = decide(asked, Known(catalogue=CATALOGUE), self.now)
            assert isinstance(move, Move)
            self.append(move, 0)
        return self.look()

    @rule(target=views)
    def looks(self) -> FoundTask:
        return self.look()

    @rule()
    def time_passes(self) -> None:
        self.now += timedelta(seconds=1)

    @rule()
    def an_answer_gets_lost(self) -> None:
        self.broker.lose_next_answer = True

    @rule(view=views, owner=st.sampled_from(("first", "second")), target=views)
    def claims(self, view: FoundTask, owner: str) -> FoundTask:
        if view.state.status == "queued":
            self.append(moves.start(view.state, CATALOGUE.tasks[view.state.task], owner, self.now), view.sequence)
        return self.look()

    @rule(view=views, percent=st.integers(0, 100))
    def says_where_it_is(self, view: FoundTask, percent: int) -> None:
        if view.state.status == "running":
            self.append(moves.progressed(view.state, percent), view.sequence)

    @rule(view=views, how=st.sampled_from(("succeeded", "failed", "overdue", "stopped")))
    def ends(self, view: FoundTask, how: str) -> None:
        """A runner's end, perhaps of a process that slept while the task was taken from it."""
        task, kind = view.state, CATALOGUE.tasks[view.state.task]
        if task.status != "running":
            return
        ends = {
            "succeeded": moves.succeeded(task, Result(summary="Done."), self.now),
            "failed": moves.failed(task, Failure(code="x", sentence="It broke."), self.now),
            "overdue": overruns.running(task, kind, self.now),
            "stopped": moves.stopped(task, kind.effect, self.now),
        }
        self.append(ends[how], view.sequence)

    @rule(view=views)
    def is_abandoned(self, view: FoundTask) -> None:
        if view.state.status == "running":
            effect = CATALOGUE.tasks[view.state.task].effect
            self.append(moves.abandoned(view.state, effect, self.now), view.sequence)

    @rule(view=views)
    def retry_is_clicked(self, view: FoundTask) -> None:
        self.request(RetryTask(**self.ask(task_id=ID, drawn_at=view.sequence)), view)

    @rule(view=views)
    def cancel_is_clicked(self, view: FoundTask) -> None:
        self.request(CancelTask(**self.ask(task_id=ID, drawn_at=view.sequence)), view)

    @invariant()
    def the_fence_only_grows_and_grows_with_every_claim(self) -> None:
        history = self.broker.history
        for earlier, later in itertools.pairwise(history):
            claimed = earlier.status == "queued" and later.status == "running"
            assert later.fence == earlier.fence + (1 if claimed else 0)

    @invariant()
    def an_attempt_ends_once(self) -> None:
        """After the end of an attempt comes nothing but the next attempt, queued."""
        history = self.broker.history
        for earlier, later in itertools.pairwise(history):
            if earlier.status in ENDS:
                assert (later.status, later.attempt) == ("queued", earlier.attempt + 1)
            else:
                assert later.attempt == earlier.attempt

    @invariant()
    def what_may_happen_once_is_never_taken_up_twice(self) -> None:
        """A task that cannot be repeated has one claim in each attempt."""
        claims = [
            later.attempt
            for earlier, later in zip(self.broker.history, self.broker.history[1:], strict=False)
            if later.task == "at_most_once" and earlier.status == "queued" and later.status == "running"
        ]
        assert len(claims) == len(set(claims))

    @invariant()
    def a_running_task_has_one_owner_for_its_fence(self) -> None:
        owners: dict[int, str] = {}
        for state in self.broker.history:
            if state.status == "running":
                assert owners.setdefault(state.fence, state.owner) == state.owner


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
