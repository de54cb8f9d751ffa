"""A second look at messages: copies that landed late are deleted, an older view that landed late is drawn over.

Only what our own bot posted with a marker that we signed is ever touched.
"""

import logging
from collections.abc import Mapping
from typing import Protocol

from opsloop_notifier.checks import Check, Name, Place, Verdict
from opsloop_notifier.ledger import Ledger, Record
from opsloop_notifier.outcome import Dead, Gone, Sent
from opsloop_notifier.reconcile import Reconciler
from opsloop_notifier.slack import Seen, Slack
from opsloop_notifier.view import ANCHOR

log = logging.getLogger(__name__)

DONE = Verdict(is_done=True)
AGAIN = Verdict(is_done=False)


class ShowAgain(Protocol):
    async def __call__(self, id: str, *, is_gone: bool) -> bool:
        """Draws the anchor of a task again, or posts it anew; False when there is nothing to draw it from."""


class Recheck:
    def __init__(self, slack: Slack, ledger: Ledger, reconciler: Reconciler, show_again: ShowAgain) -> None:
        self._slack = slack
        self._ledger = ledger
        self._reconciler = reconciler
        self._show_again = show_again

    async def look(self, place: Place, checks: Mapping[Name, Check]) -> dict[Name, Verdict]:
        """What the messages are found to be, and what was done about them."""
        channel, thread_ts = place
        since = min(check.since for check in checks.values())
        wanted = {f"{id}.{slot}": (id, slot) for id, slot in checks}
        found = await self._reconciler.all_of(channel, thread_ts, since, frozenset(wanted))
        if found is None:
            # We may not read there: nobody can look.
            return dict.fromkeys(checks, DONE)
        return {name: await self._judge(name, checks[name], found[key]) for key, name in wanted.items()}

    async def _judge(self, name: Name, check: Check, found: list[Seen]) -> Verdict:
        id, slot = name
        record = await self._ledger.get(id, slot)
        if record is None or record.state in ("intent", "sending"):
            return AGAIN
        if record.state == "undeliverable":
            return DONE
        if not await self._delete_copies(check.channel, record, found):
            return AGAIN
        if slot != ANCHOR or record.state != "posted":
            return DONE
        return await self._judge_anchor(id, check, record, found)

    async def _delete_copies(self, channel: str, record: Record, found: list[Seen]) -> bool:
        """Of a message that was superseded every copy goes: the reply in its place says the same."""
        all_gone = True
        for one in found:
            if one.ts == record.ts and record.state == "posted":
                continue
            log.warning("a copy of %s landed late and is deleted: %s", one.marker.key if one.marker else "", one.ts)
            outcome = await self._slack.delete(channel, one.ts)
            all_gone = all_gone and isinstance(outcome, Sent | Gone | Dead)
        return all_gone

    async def _judge_anchor(self, id: str, check: Check, record: Record, found: list[Seen]) -> Verdict:
        mine = next((one for one in found if one.ts == record.ts), None)
        if mine is None:
            if not check.missed:
                return Verdict(is_done=False, missed=True)
            log.warning("the card of %s is gone", id)
            return await self._shown_again(id, is_gone=True)
        if mine.version == record.version:
            return DONE
        log.warning("an older view of %s landed late and is drawn over", id)
        return await self._shown_again(id, is_gone=False)

    async def _shown_again(self, id: str, *, is_gone: bool) -> Verdict:
        """Whatever is drawn now is looked at once more."""
        return AGAIN if await self._show_again(id, is_gone=is_gone) else DONE
