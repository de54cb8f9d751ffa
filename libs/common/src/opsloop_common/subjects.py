"""Every subject, stream and bucket name, computed in one place, and the ids that stand in them.

A token consists of `[A-Za-z0-9_-]`. Text of a user or a task never becomes one. An id starts with its shard
(`07-k3v9…`), two digits chosen by the conversation, so that whoever has the id knows where its subject lies.
"""

import base64
import hashlib
import re
from typing import Literal

import msgspec

from opsloop_common.people import Conversation

SHARDS = 64
PARTITIONS = 16
"""What one notifier owns as a whole: every sixteenth shard."""

_ID = re.compile(r"[0-9]{2}-[a-z2-7]{20}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether this is a task or answer id in form; says nothing about its existence."""
    return _ID.fullmatch(text) is not None and int(text[:2]) < SHARDS


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def partition_of(id: str) -> int:
    """The partition of a task or answer: all of a conversation's are in the same one."""
    return int(id[:2]) % PARTITIONS


def shards_of(partition: int) -> tuple[str, ...]:
    """The shards of a partition, as they stand in ids and subjects."""
    return tuple(f"{shard:02}" for shard in range(partition, SHARDS, PARTITIONS))


def make_id(conversation: Conversation, *identity: str) -> str:
    """The id of what a request creates: the same request gives the same id, at any time, on any replica.

    `identity` is what identifies the request at its source (kind, person, trigger or action time, …).
    """
    place = _digest(conversation.workspace, conversation.channel)
    request = _digest(conversation.workspace, conversation.channel, *identity)
    name = base64.b32encode(request[:13]).decode().lower().rstrip("=")[:20]
    return f"{place[0] % SHARDS:02d}-{name}"


def _digest(*parts: str) -> bytes:
    # Lengths keep ("ab", "c") and ("a", "bc") apart.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Subjects(msgspec.Struct, frozen=True):
    """The names under one root; several installations share a broker by their roots."""

    root: str = "ops"

    def command(self, verb: str) -> str:
        return f"{self.root}.cmd.{verb}"

    def event(self, id: str, event: str) -> str:
        return f"{self.root}.evt.{id[:2]}.{id}.{event}"

    def events_of(self, id: str) -> str:
        """The wildcard over all events of one task or answer."""
        return f"{self.root}.evt.{id[:2]}.{id}.>"

    def events_named(self, event: str) -> str:
        return f"{self.root}.evt.*.*.{event}"

    def events_in(self, partition: int) -> tuple[str, ...]:
        """The wildcards over all events of a partition."""
        return tuple(f"{self.root}.evt.{shard}.>" for shard in shards_of(partition))

    @property
    def all_commands(self) -> str:
        return f"{self.root}.cmd.>"

    @property
    def all_events(self) -> str:
        return f"{self.root}.evt.>"

    def audit(self, id: str) -> str:
        """The chain of audit records of an id's shard."""
        return f"{self.root}.audit.{id[:2]}"

    @property
    def all_audits(self) -> str:
        return f"{self.root}.audit.*"

    def log(self, id: str) -> str:
        return f"{self.root}.log.{id}"

    def dead_letters(self, service: str) -> str:
        """The wildcard over what one service could not process."""
        return f"{self.root}.dlq.{service}.>"

    def dead_letter(self, service: str, stream: str, sequence: int, data: bytes) -> str:
        """Where one message is set aside: the same place each time it is delivered.

        The bytes are part of it, because a stream that is made anew counts from 1 again.
        """
        return f"{self.root}.dlq.{service}.{stream}-{sequence}-{hashlib.sha256(data).hexdigest()[:16]}"

    def metric(self, form: Literal["value", "range"]) -> str:
        """Where a metric's newest value (MetricQuery) or its course (RangeQuery) is asked for."""
        return f"{self.root}.q.metrics.{form}"

    def reported(self, publisher: str, task_id: str, event: str) -> str:
        """Where a publisher reports of a task of its own (Report)."""
        return f"{self.root}.ext.{publisher}.{task_id}.{event}"

    def reports_of(self, publisher: str) -> str:
        """The wildcard over all that one publisher reports."""
        return self.reported(publisher, "*", "*")

    def notice(self, publisher: str, task_id: str, notice: str) -> str:
        """Where a publisher is told about its task."""
        return f"{self.root}.out.{publisher}.{task_id}.{notice}"

    @property
    def all_notices(self) -> str:
        return f"{self.root}.out.>"

    def publishing(self, publisher: str) -> str:
        """Where a publisher reports and is answered (Received)."""
        return f"{self.root}.q.publish.{publisher}"

    @property
    def thread_link(self) -> str:
        """Where it is asked for the link to a task's thread (ThreadQuery)."""
        return f"{self.root}.q.thread"

    @property
    def identity(self) -> str:
        """Where it is asked who somebody is (IdentityQuery)."""
        return f"{self.root}.q.identity"

    def form(self, step: Literal["open", "check"]) -> str:
        """Where a form is to be opened (FormOpen), or what was entered is to be checked (FormCheck)."""
        return f"{self.root}.q.modal.{step}"

    def stream(self, name: str) -> str:
        """`CMD`, `EVT`, `LOG`, `OUT`, `DLQ`, `EXT_<publisher>`; prefixed under another root than `ops`."""
        return name if self.root == "ops" else f"{self.root.upper()}_{name}"

    def bucket(self, name: str) -> str:
        return self.stream(name)


def notifier_of(partition: int) -> str:
    """The durable consumer that reads a partition for whoever shows it."""
    return f"notifier-{partition:02}"


def id_in(subject: str) -> str:
    """The id in an event's subject."""
    return subject.split(".")[-2]


def event_in(subject: str) -> str:
    """The event's name in its subject."""
    return subject.rsplit(".", 1)[-1]
