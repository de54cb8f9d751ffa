"""What one person alone is told: over the response URL, else as an ephemeral message, else as a direct message.

At least once: such a message cannot be read back, so after a lost answer it is sent again by the next way.
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import UTC, datetime

import msgspec

from opsloop_common.answers import AnswerBody, AnswerState, LogsBody, RefusedBody, TaskBody, TasksBody
from opsloop_notifier import answers, words
from opsloop_notifier.case import Case
from opsloop_notifier.gate import Gate
from opsloop_notifier.lanes import Lanes
from opsloop_notifier.ledger import Ledger, Record
from opsloop_notifier.message import Message
from opsloop_notifier.outcome import Dead, Gone, Limited, Locked, Malformed, Outcome, Sent
from opsloop_notifier.people import People, named_in
from opsloop_notifier.posting import back_off, key_of
from opsloop_notifier.slack import Slack
from opsloop_notifier.style import Style
from opsloop_notifier.threads import ReadTail
from opsloop_notifier.view import ANCHOR, PRIVATE, Urgency

log = logging.getLogger(__name__)

LINKS_SECONDS = 1.5
LINKS_KEPT = 10_000
MOST_RESPONSES = 2
"""Uses of one response URL; Slack allows five."""


class Links:
    """Permalinks of tasks' cards."""

    def __init__(self, slack: Slack, lanes: Lanes, gate: Gate, ledger: Ledger) -> None:
        self._slack = slack
        self._lanes = lanes
        self._gate = gate
        self._ledger = ledger
        self._known: dict[tuple[str, str], str] = {}
        """By channel and timestamp: such a link never changes."""

    async def to(self, task_id: str) -> str | None:
        """ "" where there is none to be had; None when it is not known yet."""
        record = await self._ledger.get(task_id, ANCHOR)
        if record is None or not record.is_settled:
            return None
        if not record.ts:
            return ""
        if known := self._known.get((record.channel, record.ts)):
            return known
        await self._gate.passed()
        async with self._lanes.permalink.turn(lambda: Urgency.PROGRESS):
            answer = await self._slack.permalink(record.channel, record.ts)
        match answer:
            case str():
                self._remember(record, answer)
                return answer
            case Limited(seconds):
                self._lanes.permalink.pause(seconds)
            case Dead() | Gone() | Malformed():
                return ""
        return None

    async def to_all(self, task_ids: Collection[str]) -> dict[str, str]:
        """The links that are to be had within a moment, by task id: an answer does not wait long for them."""
        asked = {id: asyncio.create_task(self.to(id)) for id in dict.fromkeys(task_ids)}
        if not asked:
            return {}
        _, late = await asyncio.wait(asked.values(), timeout=LINKS_SECONDS)
        for one in late:
            one.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return {id: link for id, one in asked.items() if one not in late and (link := one.result())}

    def _remember(self, record: Record, link: str) -> None:
        if len(self._known) >= LINKS_KEPT:
            self._known.clear()
        self._known[record.channel, record.ts] = link


class Privately:
    def __init__(
        self, slack: Slack, lanes: Lanes, gate: Gate, ledger: Ledger, links: Links, people: People,
        read_tail: ReadTail, style: Style,
    ) -> None:  # fmt: skip
        self._slack = slack
        self._lanes = lanes
        self._gate = gate
        self._ledger = ledger
        self._links = links
        self._people = people
        self._read_tail = read_tail
        self._style = style

    async def run(self, case: Case) -> None:
        """Returns when the person was told, or Slack refused every way."""
        responses = 0
        while case.private_is_due():
            await self._gate.passed()
            record = await self._announce(case)
            message = await self._draw(case)
            outcomes: list[Outcome] = []
            if (url := self._answer_url(case)) and responses < MOST_RESPONSES:
                responses += 1
                outcomes.append(await self._slack.respond(url, message))
            if not _is_sent(outcomes):
                outcomes.append(await self._ephemeral(case, message))
            if not _is_sent(outcomes):
                outcomes.append(await self._direct(case, message))
            await self._conclude(case, record, outcomes)

    def _answer_url(self, case: Case) -> str:
        state = case.newest.event.state
        return state.answer_url if isinstance(state, AnswerState) else ""

    async def _announce(self, case: Case) -> Record:
        before = case.record(PRIVATE)
        sequence, channel = case.newest.event.sequence, case.conversation.channel
        base = before or Record(state="intent", intent_at=datetime.now(UTC), channel=channel)
        record = msgspec.structs.replace(base, seq=sequence, tries=base.tries + 1)
        await self._ledger.write(case.id, PRIVATE, record)
        case.keep(PRIVATE, record)
        return record

    async def _draw(self, case: Case) -> Message:
        state, key = case.newest.event.state, key_of(case, PRIVATE)
        if case.is_private and isinstance(state, AnswerState):
            return answers.private(state, await self._gather(state), key=key, style=self._style)
        return answers.notice(self._explanation(case), key=key, style=self._style)

    def _explanation(self, case: Case) -> str:
        channel, anchor = case.conversation.channel, case.record(ANCHOR)
        if anchor is not None and anchor.is_unknown:
            return words.unconfirmed(channel, anchor.error)
        return words.unreachable(channel, self._gate.identity.user, anchor.error if anchor else "")

    async def _gather(self, answer: AnswerState) -> answers.Gathered:
        if isinstance(answer.body, LogsBody):
            return answers.Gathered(lines=tuple(await self._read_tail(answer.body.task_id, None, answers.LOG_LINES)))
        links, _ = await asyncio.gather(self._links.to_all(linked_in(answer.body)), self._people.meet(named_in(answer)))
        return answers.Gathered(links, self._people.names)

    async def _ephemeral(self, case: Case, message: Message) -> Outcome:
        user = answers.asker(case.newest.event.state)
        async with self._lanes.ephemeral.turn(lambda: Urgency.FAILURE):
            outcome = await self._slack.ephemeral(case.conversation.channel, user, message)
            if isinstance(outcome, Limited):
                self._lanes.ephemeral.pause(outcome.seconds)
            if isinstance(outcome, Malformed):
                log.error("Slack refuses the private answer %s: %s: %s", case.id, outcome.error, outcome.details)
                outcome = await self._slack.ephemeral(case.conversation.channel, user, message.without_blocks())
        return outcome

    async def _direct(self, case: Case, message: Message) -> Outcome:
        user = answers.asker(case.newest.event.state)
        async with self._lanes.post(user, lambda: Urgency.FAILURE):
            outcome = await self._slack.post(user, "", message)
            if isinstance(outcome, Limited):
                self._lanes.channel(user).pause(outcome.seconds)
            if isinstance(outcome, Malformed):
                outcome = await self._slack.post(user, "", message.without_blocks())
        return outcome

    async def _conclude(self, case: Case, record: Record, outcomes: list[Outcome]) -> None:
        last = outcomes[-1]
        if isinstance(last, Sent):
            await self._write(case, state="posted", channel=last.channel or record.channel, ts=last.ts)
            return
        for outcome in outcomes:
            if isinstance(outcome, Locked):
                self._gate.shut(outcome.error)
        errors = [outcome.error for outcome in outcomes if isinstance(outcome, Dead | Gone | Malformed)]
        if len(errors) == len(outcomes):
            log.warning("nobody could be told privately about %s: %s", case.id, ", ".join(errors))
            await self._write(case, state="undeliverable", error=", ".join(errors))
        else:
            await back_off(record.tries)

    async def _write(self, case: Case, **changes: object) -> None:
        before = case.record(PRIVATE)
        if before is None:
            raise LookupError(PRIVATE)
        record = msgspec.structs.replace(before, **changes)
        await self._ledger.write(case.id, PRIVATE, record)
        case.keep(PRIVATE, record)


def linked_in(body: AnswerBody) -> list[str]:
    """The tasks to whose cards an answer leads."""
    match body:
        case TasksBody(running=running, queued=queued, ended=ended):
            return [row.id for row in (*running, *queued, *ended)]
        case TaskBody(row=row):
            return [row.id]
        case RefusedBody(task_id=task_id) if task_id:
            return [task_id]
        case _:
            return []


def _is_sent(outcomes: list[Outcome]) -> bool:
    return bool(outcomes) and isinstance(outcomes[-1], Sent)
