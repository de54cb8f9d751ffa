"""The card of a dealer: what can be started, and what was started from it."""

from collections.abc import Mapping

import msgspec

from opsloop_common import buttons
from opsloop_common.answers import CardRun, Offer, StatusBody
from opsloop_common.buttons import Pointer
from opsloop_notifier import answers
from opsloop_notifier.message import Message
from unit.notifier import states
from unit.notifier.states import NAMES, STYLE

STATUS = StatusBody(target="naples-honda", title="Naples Honda", offers=(Offer("schema_fix", "Run Schema Fix"),))


def status(body: StatusBody, links: dict[str, str], *, names: Mapping[str, str] = NAMES) -> Message:
    answer = states.answer(body, "conversation")
    return answers.status_card(answer, body, links, 9, key="k", version="9.0", names=names, style=STYLE)


def test_a_status_card_offers_tasks() -> None:
    """One button a task, pointing to the card."""
    message = status(STATUS, {})
    assert "naples-honda" in states.check(message)
    found = states.buttons(message)["task.run.schema_fix"]
    assert buttons.read(states.SECRETS, str(found["value"])) == Pointer(states.ANSWER_ID, 9)
    assert found["text"] == {"type": "plain_text", "text": "Run Schema Fix", "emoji": True}


def test_a_status_card_tells_what_was_started_from_it() -> None:
    """Each run has its state, who started it and a link to its own message."""
    run = CardRun(states.TASK_ID, "schema_fix", "running", states.ALICE, 3)
    body = msgspec.structs.replace(STATUS, runs=(run,))
    link = "https://slack.example/p1"
    assert f"▶️ schema_fix – running, started by Alice Rivera · <{link}|open>" in states.check(
        status(body, {states.TASK_ID: link})
    )
    assert "|open>" not in states.check(status(body, {}))
    assert "started by" not in states.check(status(body, {}, names={}))
    measured = msgspec.structs.replace(STATUS, measures=(states.measure(at=states.START),))
    assert "$4,820.11" in states.check(status(measured, {}))
    states.check(status(msgspec.structs.replace(STATUS, runs=(run,) * 90, offers=STATUS.offers * 1), {}))
