"""An event from the bus becomes work on the desk; what cannot be decoded or drawn is rejected."""

import logging

from opsloop_common import codec
from opsloop_common.answers import AnswerState
from opsloop_common.bus.consume import Ack, Delivery, Hold, Outcome, Reject
from opsloop_common.codec import Undecodable
from opsloop_notifier import answers, home, replies, view
from opsloop_notifier.anchors import draw
from opsloop_notifier.case import Handle, Held
from opsloop_notifier.desk import Desk
from opsloop_notifier.style import Style
from opsloop_notifier.view import Event

log = logging.getLogger(__name__)


class EventHandler:
    def __init__(self, desk: Desk, style: Style) -> None:
        self._desk = desk
        self._style = style

    async def __call__(self, delivery: Delivery) -> Outcome:
        try:
            return Hold() if self._take(delivery.sequence, delivery.data, delivery) else Ack()
        except Undecodable as error:
            return Reject(str(error))

    def take_in(self, sequence: int, data: bytes) -> None:
        """An event that is in somebody's hands, and will be delivered again; what is wrong with it is told then."""
        try:
            self._take(sequence, data, None)
        except Exception as error:
            log.info("event %d is left to its next delivery: %s", sequence, type(error).__name__)

    def _take(self, sequence: int, data: bytes, handle: Handle | None) -> bool:
        """Whether the event has anything to show. Raises Undecodable, and whatever a state that is poison raises."""
        message = codec.decode_event(data)
        state = message.data
        if isinstance(state, AnswerState) and state.visibility == "none":
            return False
        event = Event(sequence, state)
        self._try_to_draw(event)
        self._desk.take(state.id, Held(event, message.time, handle))
        return True

    def _try_to_draw(self, event: Event) -> None:
        """A state that cannot be drawn is poison: what this raises sends the message to the dead letters."""
        state = event.state
        if isinstance(state, AnswerState) and state.visibility == "private":
            answers.private(state, answers.Gathered(), key="try", style=self._style)
            return
        if isinstance(state, AnswerState) and state.visibility == "home":
            home.page(state, self._style)
            return
        draw(event, {}, key="try", version="try", names={}, style=self._style)
        if not isinstance(state, AnswerState) and (due := view.due_reply(state, ())):
            replies.reply(state, due, (), key="try", names={}, style=self._style)
