"""The desk: every case that is still owed something, and who works on it.

Of each task only the newest event is kept, unacknowledged, until it is visible: after a crash the broker delivers it
again. A case has up to one job of each kind at a time: load, anchor, thread, private, home, publisher, links.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

from opsloop_common.events import TaskState
from opsloop_common.subjects import partition_of
from opsloop_notifier.anchors import Anchors
from opsloop_notifier.case import Case, Handle, Held
from opsloop_notifier.homes import Homes
from opsloop_notifier.lanes import Lanes
from opsloop_notifier.ledger import Ledger, Moved
from opsloop_notifier.newest import ReadNewest
from opsloop_notifier.privately import Links, Privately
from opsloop_notifier.publishers import Publishers
from opsloop_notifier.threads import Threads
from opsloop_notifier.view import ANCHOR

log = logging.getLogger(__name__)

AFTER_A_BUG_SECONDS = 5.0
LAST_CALLS_SECONDS = 0.7
CANCEL_AGAIN_SECONDS = 0.5

Job = Callable[[Case], Awaitable[None]]
Write = Callable[..., Awaitable[None]]
"""Changes the record of a case's slot: (case, slot, **changes). Raises Moved."""
Observe = Callable[[float], None]
"""Called with the seconds from an event to its being visible."""


class Desk:
    def __init__(
        self, *, ledger: Ledger, lanes: Lanes, anchors: Anchors, threads: Threads, privately: Privately, homes: Homes,
        publishers: Publishers, links: Links, observe: Observe, newest: ReadNewest, write: Write,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._lanes = lanes
        self._links = links
        self._observe = observe
        self._newest = newest
        self._write = write
        self._cases: dict[str, Case] = {}
        self._acks: set[asyncio.Task[None]] = set()
        self._jobs: dict[str, Job] = {
            "load": self._load,
            "anchor": anchors.run,
            "thread": threads.run,
            "private": privately.run,
            "home": homes.run,
            "publisher": publishers.run,
            "links": self._find_links,
        }

    @property
    def owed(self) -> int:
        """Cases with something that is not visible yet. May be asked from another thread."""
        return sum(1 for case in list(self._cases.values()) if case.newest.handle is not None or case.ends)

    def take(self, id: str, held: Held) -> None:
        """Takes an event in, in stream order; acknowledges what it overtakes. Never waits."""
        case = self._cases.get(id)
        if case is None:
            case = self._cases[id] = Case(id, held)
        else:
            self._ack(case.offer(held))
            if held.event.is_final:
                self._lanes.update.look()
                self._lanes.channel(case.conversation.channel).look()
        self._go_on(case)

    async def show_again(self, id: str, *, is_gone: bool) -> bool:
        """Draws the card of an id again from its newest state; one that is gone is posted anew, once.

        False when there is nothing to draw it from.
        """
        event = await self._newest(id)
        if event is None:
            return False
        case = self._cases.get(id)
        if case is None:
            case = self._cases[id] = Case(id, Held(event, datetime.now(UTC), None))
        if case.records is None:
            await self._load(case)
        record = case.record(ANCHOR)
        if record is None:
            return False
        if is_gone:
            case.lost_ts = record.ts
        else:
            await self._write(case, ANCHOR, seq=0)
        self._go_on(case)
        return True

    async def let_go(self, partitions: Collection[int]) -> None:
        """Ends all work on partitions, and gives back what is owed there.

        A call under way may finish. One that takes too long stays `sending` in the ledger, and whoever shows the task
        next looks for its message.
        """
        cases = [case for case in self._cases.values() if partition_of(case.id) in partitions]
        for case in cases:
            del self._cases[case.id]
            case.is_let_go = True
        await self._end([case for case in cases if not case.calls_under_way])
        calling = [job for case in cases for job in case.jobs.values()]
        if calling:
            await asyncio.wait(calling, timeout=LAST_CALLS_SECONDS)
        await self._end(cases)
        owed = [held for case in cases for held in (case.newest, *case.ends.values()) if held.handle]
        await asyncio.gather(*(held.handle.again(0) for held in owed if held.handle))

    async def _end(self, cases: Collection[Case]) -> None:
        jobs = [job for case in cases for job in case.jobs.values()]
        # Again and again: `asyncio.wait_for` of Python 3.11 drops a cancellation that comes with a result.
        while pending := [job for job in jobs if not job.done()]:
            for job in pending:
                job.cancel()
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)

    # --- what is to be done -------------------------------------------------------------------------------------

    def _go_on(self, case: Case) -> None:
        if case.records is not None:
            self._settle(case)
        for kind in self._due(case):
            if kind not in case.jobs and not case.is_let_go:
                job = asyncio.create_task(self._work(case, kind), name=f"{kind} {case.id}")
                case.jobs[kind] = job
        if not case.jobs and not self._is_owed(case) and case.is_over() and self._cases.get(case.id) is case:
            del self._cases[case.id]

    def _due(self, case: Case) -> list[str]:
        if case.records is None:
            return ["load"]
        due = {
            "anchor": case.anchor_is_due(),
            "thread": case.reply_is_due(),
            "private": case.private_is_due(),
            "home": case.home_is_due(),
            "publisher": case.telling_is_due(),
            "links": bool(case.missing_links()) and not case.is_private,
        }
        # Links that were not there are looked for when there is news, not in a circle.
        return [kind for kind, is_due in due.items() if is_due]

    def _is_owed(self, case: Case) -> bool:
        return case.newest.handle is not None or bool(case.ends)

    async def _work(self, case: Case, kind: str) -> None:
        try:
            await self._jobs[kind](case)
        except Moved:
            # Whoever owns the partition now shows it; ours is let go with the partition.
            case.is_let_go = True
        except Exception:
            log.exception("%s of %s failed; looking again", kind, case.id)
            case.records = None
            await asyncio.sleep(AFTER_A_BUG_SECONDS)
        finally:
            case.jobs.pop(kind, None)
        self._after(case, kind)

    def _after(self, case: Case, kind: str) -> None:
        task = case.task
        if kind == "anchor" and task is not None:
            # Its card can be linked to now.
            for id in (task.card, task.parent.task_id if task.parent else ""):
                if id in self._cases:
                    self._go_on(self._cases[id])
        if kind == "links" and case.missing_links():
            # Nothing new: the next delivery of the event, or the task's first post, looks again.
            self._settle(case)
            return
        self._go_on(case)

    async def _load(self, case: Case) -> None:
        case.records = await self._ledger.load(case.id)

    async def _find_links(self, case: Case) -> None:
        for task_id in case.missing_links():
            link = await self._links.to(task_id)
            if link is not None:
                case.links[task_id] = link

    # --- what is done -------------------------------------------------------------------------------------------

    def _settle(self, case: Case) -> None:
        for attempt, held in list(case.ends.items()):
            if case.is_unreachable or f"{attempt}-end" in case.settled:
                del case.ends[attempt]
                self._ack([held.handle] if held.handle else [])
        if case.newest.handle is not None and case.is_visible():
            handle, case.newest.handle = case.newest.handle, None
            self._ack([handle])
            self._observe((datetime.now(UTC) - case.newest.at).total_seconds())

    def _ack(self, handles: list[Handle]) -> None:
        for handle in handles:
            task = asyncio.ensure_future(handle.ack())
            self._acks.add(task)
            task.add_done_callback(self._acks.discard)


def is_shown(state: object) -> bool:
    """Whether an event has any message at all."""
    return isinstance(state, TaskState) or getattr(state, "visibility", "none") != "none"
