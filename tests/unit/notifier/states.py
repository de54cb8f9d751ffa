"""States to draw, and what to draw them with."""

from datetime import UTC, datetime, timedelta

import msgspec

from opsloop_common.answers import AnswerBody, AnswerState
from opsloop_common.events import TaskState
from opsloop_common.people import Conversation, Person
from opsloop_common.redact import Redactor
from opsloop_notifier.message import Message
from opsloop_notifier.mrkdwn import Pen
from opsloop_notifier.style import Style
from opsloop_sandbox.block_rules import check_blocks

HERE = Conversation("T0OPSLOOP", "C0OPS")
ALICE = Person("T0OPSLOOP", "U0ALICE")
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRETS = ("a-secret-of-the-test",)
TOKEN = "bot-token-1234567890"
STYLE = Style(SECRETS, Pen(Redactor((TOKEN, *SECRETS))), "https://grafana.example/")
TASK_ID = "07-" + "a" * 20
ANSWER_ID = "07-" + "b" * 20

QUEUED = TaskState(
    id=TASK_ID,
    task="schema_fix",
    target="naples-honda",
    title="Naples Honda",
    conversation=HERE,
    requested_by=ALICE,
    requested_at=START,
    status="queued",
)
RUNNING = msgspec.structs.replace(QUEUED, status="running", started_at=START, percent=60, step="Processing")
ENDED = START + timedelta(seconds=12)


def changed(state: TaskState, **changes: object) -> TaskState:
    return msgspec.structs.replace(state, **changes)


FAILED_STATE = changed(RUNNING, status="failed", ended_at=ENDED)


def answer(body: AnswerBody, visibility: str = "private", **more: object) -> AnswerState:
    base = AnswerState(
        id=ANSWER_ID, to=ALICE, conversation=HERE, answered_at=START, body=body, visibility="private"
    )  # fmt: skip
    return msgspec.structs.replace(base, visibility=visibility, **more)


def check(message: Message) -> str:
    """Fails where Slack would refuse the message; returns all of its words."""
    assert check_blocks(message.blocks) == []
    assert 0 < len(message.text) <= 4000
    assert message.blocks
    ids = [str(block["block_id"]) for block in message.blocks]
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) <= 255
    return "\n".join([message.text, *texts(message.blocks)])


def texts(value: object) -> list[str]:
    """Every text in blocks."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return []


def buttons(message: Message) -> dict[str, dict[str, object]]:
    """The buttons by action id."""
    found: dict[str, dict[str, object]] = {}
    for block in message.blocks:
        elements = block.get("elements")
        for element in elements if isinstance(elements, list) else []:
            if element.get("type") == "button":
                found[element["action_id"]] = element
    return found
