"""The one message of a task or status card in its conversation: posted once, then updated in place."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from opsloop_common.answers import AnswerState, StatusBody
from opsloop_notifier import answers, render, view
from opsloop_notifier.case import Case
from opsloop_notifier.doubts import Doubts
from opsloop_notifier.gate import Gate
from opsloop_notifier.lanes import Lanes
from opsloop_notifier.ledger import Record
from opsloop_notifier.message import Message
from opsloop_notifier.outcome import Ambiguous, Dead, Gone, Limited, Locked, Malformed, Outcome, Sent, Unsent
from opsloop_notifier.people import People, named_in
from opsloop_notifier.posting import Draft, Poster, back_off, key_of, plain_if_refused
from opsloop_notifier.slack import Slack
from opsloop_notifier.style import Style
from opsloop_notifier.view import ANCHOR, Event, Urgency

log = logging.getLogger(__name__)


def draw(
    event: Event, links: dict[str, str], *, key: str, version: str, names: Mapping[str, str], style: Style
) -> Message:
    """The anchor of an event that has one."""
    state = event.state
    if not isinstance(state, AnswerState):
        return render.task_card(state, event.sequence, key=key, version=version, names=names, links=links, style=style)
    if not isinstance(state.body, StatusBody):
        return answers.private(state, answers.Gathered(links, names), key=key, style=style)
    return answers.status_card(
        state, state.body, links, event.sequence, key=key, version=version, names=names, style=style
    )


class Anchors:
    def __init__(
        self, slack: Slack, lanes: Lanes, gate: Gate, poster: Poster, people: People, style: Style, doubts: Doubts
    ) -> None:
        self._slack = slack
        self._lanes = lanes
        self._gate = gate
        self._poster = poster
        self._people = people
        self._doubts = doubts
        self._style = style

    async def run(self, case: Case) -> None:
        """Returns when the anchor shows the newest event."""
        while case.anchor_is_due():
            record = case.record(ANCHOR)
            if record and record.state == "posted" and record.ts == case.lost_ts:
                await self._lost(case, record, "the thread's parent is gone")
            elif record and record.state == "sending":
                await self._poster.resolve(case, ANCHOR, "")
            elif record and record.ts:
                await self._update(case)
            else:
                await self._poster.post(case, lambda: self._urgency(case), lambda: self._first(case))

    def _urgency(self, case: Case) -> Urgency:
        return view.anchor_urgency(case.newest.event, is_posted=bool(case.anchor_ts))

    async def _first(self, case: Case) -> Draft:
        await self._people.meet(named_in(case.newest.event.state))
        await self._note_end(case)
        return self._draft(case)

    async def _note_end(self, case: Case) -> None:
        """Before the end is shown: whatever happens then, somebody looks whether it stands."""
        event, record = case.newest.event, case.record(ANCHOR)
        if event.is_final and case.noted_end < event.sequence:
            channel = record.channel if record else case.conversation.channel
            since = record.intent_at if record else datetime.now(UTC)
            await self._doubts.look_when_settled(case.id, channel, since)
            case.noted_end = event.sequence

    def _draft(self, case: Case) -> Draft:
        event = case.newest.event
        record = case.record(ANCHOR)
        links = dict(case.known_links())
        version = f"{event.sequence}.{record.edits + record.tries if record else 0}"
        message = draw(
            event, links, key=key_of(case, ANCHOR), version=version, names=self._people.names, style=self._style
        )
        return plain_if_refused(case, Draft(ANCHOR, event.sequence, message, links=links, version=version))

    async def _update(self, case: Case) -> None:
        await self._breathe(case)
        await self._people.meet(named_in(case.newest.event.state))
        await self._note_end(case)
        await self._gate.passed()
        async with self._lanes.update.turn(lambda: self._urgency(case)):
            record = case.record(ANCHOR)
            if record is None or case.is_let_go:
                return
            draft = self._draft(case)
            with case.calling():
                outcome = await self._slack.update(record.channel, record.ts, draft.message)
                if isinstance(outcome, Limited):
                    self._lanes.update.pause(outcome.seconds)
        case.drawn_at = asyncio.get_running_loop().time()
        await self._conclude(case, record, draft, outcome)

    async def _breathe(self, case: Case) -> None:
        """Keeps a card from flickering: progress waits until the last update has stood for a while, an end does not."""
        loop = asyncio.get_running_loop()
        while self._urgency(case) == Urgency.PROGRESS:
            case.changed.clear()
            left = case.drawn_at + self._lanes.limits.card_seconds - loop.time()
            if left <= 0:
                return
            try:
                await asyncio.wait_for(case.changed.wait(), left)
            except TimeoutError:
                return

    async def _conclude(self, case: Case, record: Record, draft: Draft, outcome: Outcome) -> None:
        match outcome:
            case Sent():
                digest = draft.message.digest()
                await self._poster.write(
                    case, ANCHOR, state="posted", seq=draft.sequence, content_hash=digest, links=draft.links,
                    version=draft.version,
                    edits=record.edits + record.tries + 1, tries=0, error="",
                )  # fmt: skip
            case Limited():
                pass
            case Locked(error):
                self._gate.shut(error)
            case Unsent(reason) | Ambiguous(reason):
                # What an update says is the same however often it is said, so the newest is simply sent again.
                log.warning("the update of %s may be lost: %s", case.id, reason)
                if isinstance(outcome, Ambiguous):
                    await self._poster.doubt(case, ANCHOR)
                await self._poster.write(case, ANCHOR, tries=record.tries + 1)
                await back_off(record.tries)
            case Malformed(error, details):
                await self._refused(case, draft, f"{error}: {details}")
            case Gone(error):
                await self._lost(case, record, error)
            case Dead(error):
                log.warning("the card of %s cannot be updated: %s", case.id, error)
                await self._poster.write(case, ANCHOR, state="undeliverable", seq=draft.sequence, error=error)

    async def _refused(self, case: Case, draft: Draft, error: str) -> None:
        log.error("Slack refuses the content of %s: %s", case.id, error)
        if (ANCHOR, draft.sequence) in case.plain:
            await self._poster.write(case, ANCHOR, state="undeliverable", seq=draft.sequence, error=error)
        case.plain.add((ANCHOR, draft.sequence))

    async def _lost(self, case: Case, record: Record, error: str) -> None:
        log.warning("the card of %s is gone: %s", case.id, error)
        # It is posted anew once: whoever deletes it again does not want it.
        if record.replaced:
            sequence = case.newest.event.sequence
            await self._poster.write(case, ANCHOR, state="undeliverable", seq=sequence, error=error)
            return
        await self._poster.write(case, ANCHOR, state="intent", ts="", replaced=record.ts, tries=0, error=error)
        case.noted_end = 0
