"""The pages of people: each is published as a whole, so the newest state of a page is all that is ever sent.

Publishing says the same however often it is said, so there is no ledger entry: the broker holds the event until its
page, or a newer one, is published. Other replicas and repeated deliveries may be about an older state, so the newest
is looked up before each publication, and once more after it.
"""

import logging

from opsloop_common.answers import AnswerState
from opsloop_notifier import home
from opsloop_notifier.case import Case
from opsloop_notifier.gate import Gate
from opsloop_notifier.lanes import Lanes
from opsloop_notifier.newest import ReadNewest
from opsloop_notifier.outcome import Ambiguous, Dead, Gone, Limited, Locked, Malformed, Outcome, Sent, Unsent
from opsloop_notifier.posting import back_off
from opsloop_notifier.slack import Slack
from opsloop_notifier.style import Style
from opsloop_notifier.view import Event, Urgency

log = logging.getLogger(__name__)


class Homes:
    def __init__(self, slack: Slack, lanes: Lanes, gate: Gate, newest: ReadNewest, style: Style) -> None:
        self._slack = slack
        self._lanes = lanes
        self._gate = gate
        self._newest = newest
        self._style = style

    async def run(self, case: Case) -> None:
        """Returns when the page shows the newest state, or Slack refused it."""
        tries = 0
        while case.home_is_due():
            await self._gate.passed()
            async with self._lanes.publish.turn(lambda: Urgency.PROGRESS):
                event = await self._latest(case)
                outcome = await self._publish(event)
                if isinstance(outcome, Limited):
                    self._lanes.publish.pause(outcome.seconds)
            if self._is_done(case, outcome):
                case.published = event.sequence
                # Whoever published an older state a moment ago is overwritten, and so are we by a newer one.
                after = await self._latest(case)
                case.is_overtaken = after.sequence > event.sequence
            elif isinstance(outcome, Unsent | Ambiguous):
                tries += 1
                await back_off(tries)

    async def _latest(self, case: Case) -> Event:
        found, known = await self._newest(case.id), case.newest.event
        return found if found is not None and found.sequence > known.sequence else known

    async def _publish(self, event: Event) -> Outcome:
        state = event.state
        if not isinstance(state, AnswerState):
            raise TypeError("a page is an answer")
        return await self._slack.publish_view(state.to.user, home.page(state, self._style))

    def _is_done(self, case: Case, outcome: Outcome) -> bool:
        """Whether the page is published, or never will be."""
        match outcome:
            case Locked(error):
                self._gate.shut(error)
            case Malformed(error, details):
                log.error("Slack refuses the content of the page %s: %s: %s", case.id, error, details)
            case Dead(error) | Gone(error):
                log.warning("the page %s cannot be published: %s", case.id, error)
        return isinstance(outcome, Sent | Malformed | Dead | Gone)
