"""States to draw, and what to draw them with."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import strategies as st

from opsloop_common.answers import AnswerBody, AnswerState, TaskRow
from opsloop_common.events import Failure, Step, TaskState
from opsloop_common.measures import Measure
from opsloop_common.people import Conversation, Person
from opsloop_common.redact import Redactor
from opsloop_common.task import Result
from opsloop_notifier import answers, render, replies, view
from opsloop_notifier.answers import Gathered
from opsloop_notifier.message import Message
from opsloop_notifier.mrkdwn import Pen
from opsloop_notifier.style import Style
from opsloop_sandbox.block_rules import check_blocks

HERE = Conversation("T0OPSLOOP", "C0OPS")
ALICE = Person("T0OPSLOOP", "U0ALICE")
BOB = Person("T0OPSLOOP", "U0BOB")
NAMES = {"U0ALICE": "Alice Rivera", "U0BOB": "Bob"}
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRETS = ("a-secret-of-the-test",)
TOKEN = "bot-token-1234567890"
STYLE = Style(SECRETS, Pen(Redactor((TOKEN, *SECRETS))), "https://grafana.example/")
TASK_ID = "07-" + "a" * 20
ANCHOR_KEY = f"{TASK_ID}.anchor"
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
DONE = changed(
    RUNNING, status="succeeded", percent=100, ended_at=ENDED, steps=(Step("Schema detected", 20),),
    result=Result(summary="3 properties repaired", lines=("telephone added", "geo added")),
)  # fmt: skip
FAILED = changed(
    RUNNING, status="failed", percent=45, ended_at=ENDED,
    failure=Failure(code="site_timeout", sentence="Schema validation timeout at step 3 (Processing)"),
)  # fmt: skip
HOSTILE = st.text(st.sampled_from(list("<>&`*_~|@!a \n")), max_size=60).map(lambda text: text * 80) | st.text(
    max_size=99
)
"""What a user or a task might say to make Slack do something, or to get past its limits."""


def card(
    task: TaskState, *, sequence: int = 7, names: Mapping[str, str] = NAMES, links: Mapping[str, str] | None = None
) -> Message:
    version = f"{sequence}.0"
    return render.task_card(
        task, sequence, key=ANCHOR_KEY, version=version, names=names, links=links or {}, style=STYLE
    )


def reply(task: TaskState, *settled: str, tail: tuple[str, ...] = (), names: Mapping[str, str] = NAMES) -> Message:
    """What the thread still lacks when these slots are settled."""
    due = view.due_reply(task, settled)
    assert due is not None
    return replies.reply(task, due, tail, key=ANCHOR_KEY, names=names, style=STYLE)


def told(body: AnswerBody, *, links: Mapping[str, str] | None = None, lines: tuple[str, ...] = ()) -> Message:
    """What the person who asked is told."""
    gathered = Gathered(links or {}, NAMES, lines)
    return answers.private(answer(body), gathered, key="k.private", style=STYLE)


def measure(**changes: object) -> Measure:
    found = Measure(metric="gain", title="ARR Gain (1h)", unit="usd", state="value", value=4820.114, at=ENDED)
    return msgspec.structs.replace(found, **changes)


def row(**changes: object) -> TaskRow:
    found = TaskRow(
        id=TASK_ID, task="schema_fix", target="naples-honda", status="running", by=BOB, at=START, sequence=3
    )
    return msgspec.structs.replace(found, **changes)


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
