"""A Slack in memory that answers as told, and the means to put events on the bus."""

import asyncio
from datetime import UTC, datetime

import msgspec

from opsloop_common import codec
from opsloop_common.answers import AnswerState, CardRun
from opsloop_common.bus import Bus
from opsloop_common.events import LogLine, TaskState
from opsloop_common.redact import Redactor
from opsloop_common.subjects import Subjects
from opsloop_notifier.budget import Limits, Rate
from opsloop_notifier.gate import Gate
from opsloop_notifier.ledger import Record
from opsloop_notifier.message import Block, Marker, Message
from opsloop_notifier.mrkdwn import Pen
from opsloop_notifier.office import Office, Pace
from opsloop_notifier.outcome import Ambiguous, Gone, NotSent, Outcome, Sent
from opsloop_notifier.slack import Identity, Page, Seen
from opsloop_notifier.style import Style

SECRETS = ("a-secret-of-the-test",)
FAST = Limits(
    update=Rate(1000, 1000),
    post=Rate(1000, 1000),
    post_workspace=Rate(1000, 1000),
    read=Rate(1000, 1000),
    card_seconds=0.0,
)
PERMALINK = "https://slack.example/"


class Visible(msgspec.Struct):
    """A message as everybody sees it."""

    channel: str
    ts: str
    thread_ts: str
    message: Message
    versions: list[str]


class Stored(msgspec.Struct, frozen=True):
    """Slack keeps the message, and its answer is this one."""

    answer: Outcome


class ScriptedSlack:
    """Answers each call of a method with the next outcome of its script, and with success when that is used up."""

    def __init__(self) -> None:
        self.messages: list[Visible] = []
        self.private: list[tuple[str, str, Message]] = []
        self.forms: list[tuple[str, Block]] = []
        self.pages: list[tuple[str, Block]] = []
        """What was published, by user; the last one of a user is what they see."""
        self.scripts: dict[str, list[Outcome | Stored]] = {}
        self.calls: list[str] = []
        self.named: list[str] = []
        self.hold: asyncio.Event | None = None
        """While set and not yet fired, posts, updates and views do not return."""
        self.identity: Identity | NotSent = Identity("opsloop", "B1")
        self.identified = 0
        self.strays = 0
        """So many replies are stored as messages of their own."""
        self.page = 100
        self.unseen = 0
        self.foreign: list[Seen] = []
        """What others wrote, as it is read back."""
        self._last = 0

    @property
    def anchors(self) -> list[Visible]:
        return [one for one in self.messages if not one.thread_ts]

    def thread(self, ts: str) -> list[str]:
        return [one.message.text for one in self.messages if one.thread_ts == ts]

    async def post(self, channel: str, thread_ts: str, message: Message) -> Outcome:
        return await self._answer("post", lambda: self._store(channel, thread_ts, message))

    async def update(self, channel: str, ts: str, message: Message) -> Outcome:
        return await self._answer("update", lambda: self._replace(channel, ts, message))

    async def delete(self, channel: str, ts: str) -> Outcome:
        return await self._answer("delete", lambda: self._take_away(channel, ts))

    async def ephemeral(self, channel: str, user: str, message: Message) -> Outcome:
        return await self._answer("ephemeral", lambda: self._tell("ephemeral", user, message))

    async def respond(self, url: str, message: Message) -> Outcome:
        return await self._answer("respond", lambda: self._tell("respond", url, message))

    async def open_view(self, trigger_id: str, view: Block) -> Outcome:
        return await self._answer("open_view", lambda: self._show(self.forms, trigger_id, view))

    async def publish_view(self, user: str, view: Block) -> Outcome:
        return await self._answer("publish_view", lambda: self._show(self.pages, user, view))

    async def permalink(self, channel: str, ts: str) -> str | NotSent:
        self.calls.append("permalink")
        script = self.scripts.get("permalink")
        if script and isinstance(answer := script.pop(0), NotSent):
            return answer
        return f"{PERMALINK}{ts}"

    async def name(self, user: str) -> str | NotSent:
        self.named.append(user)
        return "Alice Rivera" if user == "U0ALICE" else ""

    async def read(
        self, channel: str, thread_ts: str, since: float, cursor: str, until: float | None = None
    ) -> Page | NotSent:
        """Newest first, in pages of `page`; without the first `unseen` messages that were posted last."""
        self.calls.append("read")
        script = self.scripts.get("read")
        if script and isinstance(answer := script.pop(0), NotSent):
            return answer
        here = [one for one in self.messages if (one.channel, one.thread_ts) == (channel, thread_ts)]
        known = here[: len(here) - self.unseen] if self.unseen else here
        last = float("inf") if until is None else until
        found = [seen(one) for one in reversed(known) if float(one.ts) <= last]
        first = int(cursor or 0)
        more = str(first + self.page) if len(found) > first + self.page else ""
        return Page(tuple([*found, *self.foreign][first : first + self.page]), more)

    def land(self, channel: str, thread_ts: str, message: Message) -> Visible:
        """A request of long ago takes effect now: Slack stores the message once more."""
        self._store(channel, thread_ts, message)
        return self.messages[-1]

    async def identify(self) -> Identity | NotSent:
        self.identified += 1
        return self.identity

    async def _answer(self, method: str, do: object) -> Outcome:
        assert callable(do)
        self.calls.append(method)
        script = self.scripts.get(method)
        told = script.pop(0) if script else None
        if told is not None and not isinstance(told, Stored):
            return told
        done = do()
        assert isinstance(done, Sent | Gone)
        if self.hold is not None:
            await self.hold.wait()
        return told.answer if told else done

    def _store(self, channel: str, thread_ts: str, message: Message) -> Outcome:
        self._last += 1
        ts = f"{self._last}.000000"
        if thread_ts and self.strays:
            self.strays, thread_ts = self.strays - 1, ""
        self.messages.append(Visible(channel, ts, thread_ts, message, [message.text]))
        return Sent(channel, ts, thread_ts)

    def _replace(self, channel: str, ts: str, message: Message) -> Outcome:
        for one in self.messages:
            if (one.channel, one.ts) == (channel, ts):
                one.message = message
                one.versions.append(message.text)
                return Sent(channel, ts)
        return Gone("message_not_found")

    def _take_away(self, channel: str, ts: str) -> Outcome:
        for one in self.messages:
            if (one.channel, one.ts) == (channel, ts):
                self.messages.remove(one)
                return Sent(channel, ts)
        return Gone("message_not_found")

    def _show(self, views: list[tuple[str, Block]], to: str, view: Block) -> Outcome:
        views.append((to, view))
        return Sent()

    def _tell(self, way: str, to: str, message: Message) -> Outcome:
        self.private.append((way, to, message))
        return Sent()


def seen(visible: Visible) -> Seen:
    """The message as it is read back."""
    payload = visible.message.metadata["event_payload"]
    assert isinstance(payload, dict)
    return Seen(visible.ts, "B1", Marker(payload["key"], payload["mac"]), payload["version"])


LOST = Stored(Ambiguous("connection reset"))
"""Slack has it, but nobody was told."""


class Desk:
    """A notifier under test: events in, and what Slack shows."""

    def __init__(
        self, bus: Bus, subjects: Subjects, slack: ScriptedSlack, limits: Limits = FAST, pace: Pace | None = None
    ) -> None:
        self.bus = bus
        self.subjects = subjects
        self.slack = slack
        self.limits = limits
        self.pace = pace
        self.delays: list[float] = []
        self.office: Office | None = None
        self._jobs: list[asyncio.Task[None]] = []

    def start(self) -> None:
        gate = Gate(self.slack.identify, again_seconds=0.05)
        style = Style(SECRETS, Pen(Redactor(SECRETS)))
        self.office = Office(
            bus=self.bus, subjects=self.subjects, slack=self.slack, gate=gate, style=style,
            observe=self.delays.append, pace=self.pace or Pace(limits=self.limits, looks_seconds=(0.01, 0.05)),
        )  # fmt: skip
        self._jobs = [asyncio.create_task(gate.watch()), asyncio.create_task(self.office.run())]

    async def stop(self) -> None:
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        self._jobs = []

    @property
    def owed(self) -> int:
        return self.office.desk.owed if self.office else 0

    async def publish(self, state: TaskState | AnswerState, event: str) -> int:
        kind = "answer" if isinstance(state, AnswerState) else "task"
        now = datetime.now(UTC)
        envelope = codec.envelope(
            id=f"{state.id}-{event}-{now.timestamp()}", source="test", type=f"ops.{kind}.{event}.v1", time=now,
            subject=state.id, data=state,
        )  # fmt: skip
        return await self.bus.publish(self.subjects.event(state.id, event), codec.encode(envelope))

    async def log(self, task: TaskState, *lines: str) -> None:
        for line in lines:
            entry = LogLine(datetime.now(UTC), task.attempt, line)
            await self.bus.publish(self.subjects.log(task.id), codec.encode(entry))

    async def checks(self) -> list[str]:
        """The keys of what is to be looked at again."""
        found = await self.bus.newest_of_each(f"KV_{self.subjects.bucket('CHECKS')}", "$KV.CHECKS.>")
        return [one.subject.removeprefix("$KV.CHECKS.") for one in found if one.data]

    async def record(self, key: str) -> Record:
        stored = await self.bus.last(f"KV_{self.subjects.bucket('LEDGER')}", f"$KV.LEDGER.{key}")
        assert stored is not None
        return codec.decode(stored.data, Record)

    async def records(self) -> dict[str, str]:
        """The state of each record in the ledger."""
        found = await self.bus.newest_of_each(f"KV_{self.subjects.bucket('LEDGER')}", "$KV.LEDGER.>")
        decoded = {one.subject.removeprefix("$KV.LEDGER."): msgspec.json.decode(one.data) for one in found}
        return {key: str(record["state"]) for key, record in decoded.items() if not key.startswith("epoch.")}


def run_of(task: TaskState) -> CardRun:
    return CardRun(task.id, task.task, task.status, task.requested_by, 1)
