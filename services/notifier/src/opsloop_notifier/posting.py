"""Posting exactly once: the ledger says `intent`, then `sending`, then Slack is called, then it says `posted`."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from opsloop_notifier.case import Case
from opsloop_notifier.doubts import Doubts
from opsloop_notifier.gate import Gate
from opsloop_notifier.lanes import AskUrgency, Lanes
from opsloop_notifier.ledger import Ledger, Record
from opsloop_notifier.message import Message
from opsloop_notifier.outcome import Ambiguous, Dead, Gone, Limited, Locked, Malformed, Outcome, Sent, Unsent
from opsloop_notifier.reconcile import Absent, Found, Place, Reconciler, Unreadable
from opsloop_notifier.slack import Slack

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0


class Draft(msgspec.Struct, frozen=True):
    """What to post now, and the sequence of the event it shows."""

    slot: str
    sequence: int
    message: Message
    thread_ts: str = ""
    links: dict[str, str] = {}
    version: str = ""


Draw = Callable[[], Awaitable[Draft | None]]
"""Called when it is our turn, so that the newest is posted; None when nothing is to be posted any more."""


async def back_off(tries: int) -> None:
    """Longer with each try, never in step with others."""
    seconds = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(tries, 10))
    await asyncio.sleep(seconds * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret


def key_of(case: Case, slot: str) -> str:
    """The marker's key, which is also the ledger's."""
    return f"{case.id}.{slot}"


class Poster:
    """Posts in a conversation, whatever Slack answers."""

    def __init__(
        self, slack: Slack, lanes: Lanes, ledger: Ledger, gate: Gate, reconciler: Reconciler, doubts: Doubts
    ) -> None:
        self._slack = slack
        self._lanes = lanes
        self._ledger = ledger
        self._gate = gate
        self._reconciler = reconciler
        self._doubts = doubts

    async def post(self, case: Case, urgency: AskUrgency, draw: Draw) -> None:
        """One try, and what follows from it. Afterwards the slot is settled, or it is still to be posted."""
        await self._gate.passed()
        channel = case.conversation.channel
        async with self._lanes.post(channel, urgency):
            draft = await draw()
            if draft is None or case.is_let_go:
                return
            with case.calling():
                await self._announce(case, channel, draft)
                outcome = await self._slack.post(channel, draft.thread_ts, draft.message)
                if isinstance(outcome, Limited):
                    self._lanes.channel(channel).pause(outcome.seconds)
                if isinstance(outcome, Sent):
                    # At once, so that it is on record even if the case is let go the next moment.
                    await self._conclude(case, draft, outcome)
        if not isinstance(outcome, Sent):
            await self._conclude(case, draft, outcome)

    async def resolve(self, case: Case, slot: str, thread_ts: str) -> None:
        """Finds out about a message that was being sent when we last knew."""
        record = case.record(slot)
        if record is None or record.state != "sending":
            return
        await self.doubt(case, slot, thread_ts)
        place = Place(record.channel, thread_ts, key_of(case, slot), record.intent_at, record.replaced)
        match await self._reconciler.find(place):
            case Found(ts, version):
                log.info("%s.%s was posted after all", case.id, slot)
                # An earlier try than the last shows an older state: it is to be drawn over.
                seq = record.seq if version == record.version else 0
                await self.write(case, slot, state="posted", ts=ts, seq=seq)
            case Absent():
                await self.write(case, slot, state="intent")
                await back_off(record.tries)
            case Unreadable(error):
                await self.write(case, slot, state="undeliverable", is_unknown=True, error=error)

    async def doubt(self, case: Case, slot: str, thread_ts: str = "") -> None:
        """Nobody knows what came of a call: it is looked for once more much later, whatever is found now."""
        record = case.record(slot)
        if record is not None and not record.is_doubtful:
            await self._doubts.look_later(case.id, slot, record, thread_ts)
            await self.write(case, slot, is_doubtful=True)

    async def write(self, case: Case, slot: str, **changes: object) -> None:
        """Changes the record of a slot that has one. Raises Moved."""
        before = case.record(slot)
        if before is None:
            raise LookupError(slot)
        record = msgspec.structs.replace(before, **changes)
        await self._ledger.write(case.id, slot, record)
        case.keep(slot, record)

    async def _announce(self, case: Case, channel: str, draft: Draft) -> None:
        record = case.record(draft.slot)
        if record is None:
            record = Record(state="intent", intent_at=datetime.now(UTC), channel=channel, seq=draft.sequence)
            await self._ledger.write(case.id, draft.slot, record)
            case.keep(draft.slot, record)
        await self.write(
            case,
            draft.slot,
            state="sending",
            channel=channel,
            seq=draft.sequence,
            content_hash=draft.message.digest(),
            tries=record.tries + 1,
            links=draft.links,
            version=draft.version,
            error="",
        )

    async def _conclude(self, case: Case, draft: Draft, outcome: Outcome) -> None:
        slot = draft.slot
        match outcome:
            case Sent(channel, ts):
                await self.write(case, slot, state="posted", channel=channel, ts=ts)
            case Limited():
                await self._not_an_attempt(case, slot)
            case Locked(error):
                self._gate.shut(error)
                await self._not_an_attempt(case, slot)
            case Unsent(reason):
                log.warning("%s.%s was not sent: %s", case.id, slot, reason)
                await self.write(case, slot, state="intent")
                await back_off(self._tries(case, slot))
            case Ambiguous(reason):
                log.warning("%s.%s may have been posted: %s", case.id, slot, reason)
                await self.resolve(case, slot, draft.thread_ts)
            case Malformed(error, details):
                await self._in_plain_text(case, draft, f"{error}: {details}")
            case Gone(error) if draft.thread_ts:
                case.lost_ts = draft.thread_ts
                await self.write(case, slot, state="intent", error=error)
            case Gone(error) | Dead(error):
                log.warning("%s.%s cannot be posted in %s: %s", case.id, slot, case.conversation.channel, error)
                await self.write(case, slot, state="undeliverable", error=error)

    async def _not_an_attempt(self, case: Case, slot: str) -> None:
        await self.write(case, slot, state="intent", tries=self._tries(case, slot) - 1)

    async def _in_plain_text(self, case: Case, draft: Draft, error: str) -> None:
        log.error("Slack refuses the content of %s.%s: %s", case.id, draft.slot, error)
        if (draft.slot, draft.sequence) in case.plain:
            await self.write(case, draft.slot, state="undeliverable", error=error)
            return
        case.plain.add((draft.slot, draft.sequence))
        await self.write(case, draft.slot, state="intent", error=error)

    def _tries(self, case: Case, slot: str) -> int:
        record = case.record(slot)
        return record.tries if record else 0


def plain_if_refused(case: Case, draft: Draft) -> Draft:
    """The draft without blocks, where Slack refused them."""
    if (draft.slot, draft.sequence) not in case.plain:
        return draft
    return msgspec.structs.replace(draft, message=draft.message.without_blocks())
