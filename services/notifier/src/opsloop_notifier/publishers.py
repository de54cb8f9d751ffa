"""Tells publishers, once for each task, that its card is up and where; or that it cannot be posted."""

import asyncio
import logging
from datetime import UTC, datetime

from opsloop_common.bus import BusError
from opsloop_common.external import External
from opsloop_common.notices import Rejected, Shown
from opsloop_common.outbox import Outbox
from opsloop_common.reports import Fault
from opsloop_notifier.case import Case
from opsloop_notifier.ledger import Ledger, Record
from opsloop_notifier.privately import Links
from opsloop_notifier.view import ANCHOR, TOLD

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.5


class Publishers:
    def __init__(self, outbox: Outbox, links: Links, ledger: Ledger) -> None:
        self._outbox = outbox
        self._links = links
        self._ledger = ledger

    async def run(self, case: Case) -> None:
        """Returns when the publisher was told."""
        while case.telling_is_due():
            if not await self._tell(case):
                await asyncio.sleep(AGAIN_SECONDS)

    async def _tell(self, case: Case) -> bool:
        task = case.task
        if task is None or task.external is None:
            return True
        try:
            if case.is_unreachable:
                await self._unreachable(case, task.external)
            else:
                permalink = await self._links.to(case.id)
                if permalink is None:
                    return False
                await self._outbox.once(_shown(case, task.external, permalink))
        except BusError as error:
            log.warning("%s is told of %s later: %s", task.task, case.id, error)
            return False
        told = Record(state="posted", intent_at=datetime.now(UTC), channel=case.conversation.channel)
        await self._ledger.write(case.id, TOLD, told)
        case.keep(TOLD, told)
        return True

    async def _unreachable(self, case: Case, external: External) -> None:
        anchor = case.record(ANCHOR)
        fault = Fault(
            reason="unreachable",
            pointer="/channel",
            expected=f"a channel where the app may post, not {case.conversation.channel} "
            f"({anchor.error if anchor else 'refused'})",
        )
        notice = Rejected(publisher=external.publisher, task_id=external.task_id, fault=fault, at=datetime.now(UTC))
        await self._outbox.tell(notice, f"{case.id}-unreachable")


def _shown(case: Case, external: External, permalink: str) -> Shown:
    return Shown(
        publisher=external.publisher,
        task_id=external.task_id,
        id=case.id,
        at=datetime.now(UTC),
        permalink=permalink,
    )
