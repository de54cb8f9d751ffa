"""Writes docs/schemas: a JSON Schema of every message and an AsyncAPI document of every subject, from the structs.

`--check` changes nothing and fails when a file is not what would be written.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from opsloop_common import commands, notices
from opsloop_common.answers import AnswerState
from opsloop_common.events import DeadLetter, Envelope, LogLine, TaskState
from opsloop_common.forms import FormCheck, FormChecked, FormOpen, FormOpened
from opsloop_common.measures import Measure, MetricQuery, RangeQuery, Series
from opsloop_common.people import Identity, IdentityQuery, ThreadLink, ThreadQuery
from opsloop_common.reports import Report

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI = "asyncapi.json"

# What JSON holds.
Document: TypeAlias = dict[str, object]


class CloudReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report as a CloudEvent 1.0 in structured mode. `subject` may name the task."""

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    data: Report
    source: str = ""
    type: str = ""
    subject: Annotated[str, Meta(max_length=64)] = ""


# Envelope is generic, and mypy does not take what it is applied to at run time for a type.
MESSAGES: dict[str, object] = {
    **{f"ops.cmd.{verb}.v1": Envelope[struct] for struct, verb in commands.VERBS.items()},  # type: ignore[valid-type]
    "ops.task.v1": Envelope[TaskState],
    "ops.answer.v1": Envelope[AnswerState],
    "ops.log.v1": LogLine,
    "ops.dlq.v1": DeadLetter,
    "ops.ext.report.v1": Report,
    "ops.ext.report.v1.cloudevent": CloudReport,
    **{f"ops.out.{name}.v1": struct for struct, name in notices.NOTICES.items()},
    "ops.q.publish.answer.v1": notices.Received,
    "ops.q.metrics.value.v1": MetricQuery,
    "ops.q.metrics.value.answer.v1": Measure,
    "ops.q.metrics.range.v1": RangeQuery,
    "ops.q.metrics.range.answer.v1": Series,
    "ops.q.identity.v1": IdentityQuery,
    "ops.q.identity.answer.v1": Identity,
    "ops.q.modal.open.v1": FormOpen,
    "ops.q.modal.open.answer.v1": FormOpened,
    "ops.q.modal.check.v1": FormCheck,
    "ops.q.modal.check.answer.v1": FormChecked,
    "ops.q.thread.v1": ThreadQuery,
    "ops.q.thread.answer.v1": ThreadLink,
}
"""By name; a name with `.answer.` is what is answered to the one without."""


class Channel(msgspec.Struct, frozen=True):
    """Where messages of some kinds go; `action` is what OpsLoop does there, `answer` what it is answered with."""

    address: str
    action: Literal["send", "receive"]
    description: str
    messages: tuple[str, ...]
    answer: str = ""


CHANNELS = (
    *(
        Channel(f"ops.cmd.{verb}", "send", f"What a person asked: {verb}.", (f"ops.cmd.{verb}.v1",))
        for verb in commands.VERBS.values()
    ),
    Channel(
        "ops.evt.{shard}.{id}.{event}",
        "send",
        "What became of a task or a request: each event carries the whole state.",
        ("ops.task.v1", "ops.answer.v1"),
    ),
    Channel("ops.log.{id}", "send", "Log lines of a task, redacted.", ("ops.log.v1",)),
    Channel("ops.dlq.{service}.{message}", "send", "What could not be processed.", ("ops.dlq.v1",)),
    Channel(
        "ops.ext.{publisher}.{task_id}.{event}",
        "receive",
        "What another system says of a task of its own. Nothing is acknowledged; faults are told on ops.out.",
        ("ops.ext.report.v1", "ops.ext.report.v1.cloudevent"),
    ),
    *(
        Channel(
            f"ops.out.{{publisher}}.{{task_id}}.{name}",
            "send",
            f"A publisher is told: {name}.",
            (f"ops.out.{name}.v1",),
        )
        for name in notices.NOTICES.values()
    ),
    Channel(
        "ops.q.publish.{publisher}",
        "receive",
        "The same as ops.ext, with an answer. The event names its task in task_id; replies go to an _INBOX.",
        ("ops.ext.report.v1", "ops.ext.report.v1.cloudevent"),
        "ops.q.publish.answer.v1",
    ),
    *(
        Channel(f"ops.q.{name}", "receive", description, (f"ops.q.{name}.v1",), f"ops.q.{name}.answer.v1")
        for name, description in {
            "metrics.value": "A target's number.",
            "metrics.range": "The course of a target's number.",
            "identity": "Who a person is.",
            "modal.open": "Opens a form.",
            "modal.check": "Checks what was entered in a form.",
            "thread": "Where a task's thread is.",
        }.items()
    ),
)

PARAMETERS = {
    "shard": "Two digits, the beginning of the id.",
    "id": "Our id of a task or answer.",
    "event": "A name; that of an internal event is the end of its type.",
    "service": "Which service could not process it.",
    "message": "The message that could not be processed.",
    "publisher": "A name of [publishers] in the catalogue.",
    "task_id": "The publisher's own id of the task: 1 to 64 of A-Z, a-z, 0-9, '_', '-'.",
}


def documents() -> dict[str, Document]:
    """Every file by its name."""
    found = {f"{name}.json": _schema(name, message) for name, message in MESSAGES.items()}
    return {**found, ASYNCAPI: _asyncapi()}


def written(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _schema(name: str, message: object) -> Document:
    return {"$schema": DIALECT, "title": name, **msgspec.json.schema(message)}


def _asyncapi() -> Document:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "OpsLoop",
            "version": "1.0.0",
            "description": "The subjects under the root `ops`. Inside a version fields are only added.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_key(channel.address): _channel(channel) for channel in CHANNELS}
        | {f"{_key(channel.address)}_answer": _answers(channel) for channel in CHANNELS if channel.answer},
        "operations": {f"{channel.action}_{_key(channel.address)}": _operation(channel) for channel in CHANNELS},
        "components": {"messages": {_key(name): _message(name) for name in MESSAGES}},
    }


def _key(text: str) -> str:
    return text.replace("{", "").replace("}", "").replace(".", "_")


def _channel(channel: Channel) -> Document:
    names = [part[1:-1] for part in channel.address.split(".") if part.startswith("{")]
    parameters = {name: {"description": PARAMETERS[name]} for name in names}
    return {
        "address": channel.address,
        "description": channel.description,
        "messages": {_key(name): {"$ref": f"#/components/messages/{_key(name)}"} for name in channel.messages},
        **({"parameters": parameters} if parameters else {}),
    }


def _answers(channel: Channel) -> Document:
    """Answers go where whoever asks wants them."""
    name = _key(channel.answer)
    return {"address": None, "messages": {name: {"$ref": f"#/components/messages/{name}"}}}


def _operation(channel: Channel) -> Document:
    operation: Document = {"action": channel.action, "channel": {"$ref": f"#/channels/{_key(channel.address)}"}}
    if channel.answer:
        operation["reply"] = {
            "address": {"location": "$message.header#/reply"},
            "channel": {"$ref": f"#/channels/{_key(channel.address)}_answer"},
        }
    return operation


def _message(name: str) -> Document:
    return {"name": name, "contentType": "application/json", "payload": {"$ref": f"./{name}.json"}}


def main() -> None:
    wanted = {name: written(document) for name, document in documents().items()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    actual = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    if "--check" in sys.argv:
        changed = sorted(name for name in wanted.keys() | actual.keys() if wanted.get(name) != actual.get(name))
        sys.exit(f"not as the structs are: {', '.join(changed)}; run `just schemas`" if changed else 0)
    for name in actual.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
