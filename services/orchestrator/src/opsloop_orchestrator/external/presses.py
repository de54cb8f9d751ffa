"""What a publisher is told of a press of one of its buttons. Pure."""

from datetime import datetime

from opsloop_common.answers import PressedBody
from opsloop_common.commands import AnyCommand, PressButton
from opsloop_common.notices import Clicked
from opsloop_orchestrator.answering import Answer
from opsloop_orchestrator.decide import Known


def told(asked: AnyCommand, known: Known, answer: Answer, now: datetime) -> Clicked | None:
    """None unless the answer says that the press was handed on."""
    task = known.task
    if not isinstance(asked, PressButton) or not isinstance(answer.state.body, PressedBody):
        return None
    if task is None or task.external is None:
        return None
    button = task.external.buttons[asked.button - 1]
    who = known.identity
    return Clicked(
        publisher=task.external.publisher,
        task_id=task.external.task_id,
        id=task.id,
        click_id=asked.request_id,
        button=button.id,
        label=button.label,
        by=asked.actor,
        at=now,
        email=who.email if who is not None and who.state == "verified" else "",
    )
