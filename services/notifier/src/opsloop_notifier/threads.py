"""The thread under a task's card: what it still lacks goes out as one reply, in the task's order."""

from collections.abc import Awaitable, Callable

from opsloop_common.events import TaskState
from opsloop_notifier import replies, view
from opsloop_notifier.case import Case
from opsloop_notifier.people import People, named_in
from opsloop_notifier.posting import Draft, Poster, key_of, plain_if_refused
from opsloop_notifier.style import Style
from opsloop_notifier.view import Urgency, is_thread_slot

ReadTail = Callable[[str, int | None, int], Awaitable[list[str]]]
"""(task id, attempt or None for all, at most so many) -> the last log lines, oldest first."""


class Threads:
    def __init__(self, poster: Poster, read_tail: ReadTail, people: People, style: Style) -> None:
        self._poster = poster
        self._people = people
        self._read_tail = read_tail
        self._style = style

    async def run(self, case: Case) -> None:
        """Returns when nothing is due in the thread, or there is no anchor to reply to."""
        while case.reply_is_due():
            if case.is_unreachable:
                await self._give_up(case)
                return
            unknown = [slot for slot in case.records or {} if is_thread_slot(slot) and self._is_sending(case, slot)]
            if unknown:
                await self._poster.resolve(case, unknown[0], case.anchor_ts)
            elif case.due_event() is None:
                # What they had to say stands in a later reply.
                await self._supersede(case, "")
            else:
                await self._poster.post(case, lambda: self._urgency(case), lambda: self._next(case))

    async def _give_up(self, case: Case) -> None:
        """Nothing can be shown there any more: what was begun is not finished."""
        for slot in case.undecided_replies():
            await self._poster.write(case, slot, state="superseded")

    def _is_sending(self, case: Case, slot: str) -> bool:
        record = case.record(slot)
        return record is not None and record.state == "sending"

    def _urgency(self, case: Case) -> Urgency:
        held = case.due_event()
        return view.reply_urgency(held.event) if held else Urgency.MILESTONE

    async def _next(self, case: Case) -> Draft | None:
        held = case.due_event()
        if held is None or not isinstance(held.event.state, TaskState) or not case.anchor_ts:
            return None
        task, thread_ts = held.event.state, case.anchor_ts
        due = view.due_reply(task, case.settled)
        if due is None:
            return None
        await self._supersede(case, due.slot)
        with_log = due.is_end and task.failure is not None
        tail = await self._read_tail(task.id, task.attempt, replies.TAIL_LINES) if with_log else []
        if due.is_end or due.is_confirmation:
            await self._people.meet(named_in(task))
        message = replies.reply(
            task, due, tail, key=key_of(case, due.slot), names=self._people.names, style=self._style
        )
        return plain_if_refused(case, Draft(due.slot, held.event.sequence, message, thread_ts))

    async def _supersede(self, case: Case, slot: str) -> None:
        """A reply that was intended but never sent is part of the one that is due now."""
        for other in list(case.records or {}):
            record = case.record(other)
            if is_thread_slot(other) and other != slot and record is not None and record.state == "intent":
                await self._poster.write(case, other, state="superseded")
