"""The workspace's state: people, channels, messages. Every change is a journaled record, applied the same on replay."""

import bisect
from collections.abc import Iterator
from pathlib import Path

import msgspec

from opsloop_sandbox.changes import Changes, ChannelChanged, MessageChanged
from opsloop_sandbox.contract import ChannelView, User, UserRequest
from opsloop_sandbox.journal import Journal
from opsloop_sandbox.records import (
    BOT_USER_ID,
    DEFAULT_SCOPES,
    TEAM,
    Channel,
    Message,
    Record,
    Removed,
    Settings,
    UserChanged,
)

PEOPLE = (
    User(id="U0ALICE", name="alice", real_name="Alice Rivera", email="alice@dealership.example", team_id=TEAM),
    User(id="U0BOB", name="bob", real_name="Bob Chen", email="bob@dealership.example", team_id=TEAM),
    User(id="U0CAROL", name="carol", real_name="Carol Okafor", email="carol@dealership.example", team_id=TEAM),
)
BOT = User(id=BOT_USER_ID, name="opsloop", real_name="OpsLoop", email="", team_id=TEAM, is_bot=True)
EVERYONE = tuple(person.id for person in PEOPLE)

CHANNELS = (
    Channel(id="C0OPS", name="ops", members=(*EVERYONE, BOT_USER_ID)),
    Channel(id="C0RANDOM", name="random", members=(*EVERYONE, BOT_USER_ID)),
    Channel(id="G0PRIVATE", name="leadership", members=("U0ALICE",), is_private=True),
)


def ts_micros(ts: str) -> int:
    """A message's time in microseconds, for comparisons. Raises ValueError if it is not a time."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int((fraction + "000000")[:6])


class Workspace:
    """Reads are plain attribute access; writes go through `save` and `remove`."""

    def __init__(self, journal_path: Path, changes: Changes) -> None:
        self._changes = changes
        self.users = {person.id: person for person in (*PEOPLE, BOT)}
        self.channels = {channel.id: channel for channel in CHANNELS}
        self.scopes: tuple[str, ...] = DEFAULT_SCOPES
        self._messages: dict[str, dict[str, Message]] = {}
        self._timelines: dict[str, list[int]] = {}  # per channel: times of all messages, growing
        self._threads: dict[tuple[str, str], list[str]] = {}
        self._last_micros = 0
        self._journal: Journal[Record] = Journal(journal_path, Record)  # type: ignore[arg-type]  # a union is a type
        for record in self._journal.replay():
            self._apply(record)

    def close(self) -> None:
        self._journal.close()

    def next_ts(self, now: float) -> str:
        """A time that no message has, later than every other, whatever the clock does. `now` in Unix seconds."""
        self._last_micros = max(int(now * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def save(self, record: Channel | Message | Settings | UserChanged) -> None:
        self._journal.append(record)
        self._apply(record)
        match record:
            case Message():
                self._changes.tell(MessageChanged(record))
            case Channel():
                self._changes.tell(ChannelChanged(record))

    def remove(self, message: Message) -> None:
        record = Removed(channel=message.channel, ts=message.ts)
        self._journal.append(record)
        self._apply(record)
        self._changes.tell(MessageChanged(message, is_gone=True))

    def _apply(self, record: Record) -> None:
        match record:
            case Channel():
                self.channels[record.id] = record
            case Message():
                self._put(record)
            case Removed():
                self._take(record)
            case Settings():
                self.scopes = record.scopes
            case UserChanged(user):
                self.users[user.id] = user

    def _put(self, message: Message) -> None:
        messages = self._messages.setdefault(message.channel, {})
        if message.ts not in messages:
            micros = ts_micros(message.ts)
            self._last_micros = max(self._last_micros, micros)
            self._timelines.setdefault(message.channel, []).append(micros)
            if message.is_reply and message.thread_ts is not None:
                self._threads.setdefault((message.channel, message.thread_ts), []).append(message.ts)
        messages[message.ts] = message

    def _take(self, removed: Removed) -> None:
        message = self._messages.get(removed.channel, {}).pop(removed.ts, None)
        if message is None:
            return
        timeline = self._timelines[removed.channel]
        timeline.pop(bisect.bisect_left(timeline, ts_micros(removed.ts)))
        if message.is_reply and message.thread_ts is not None:
            self._threads[removed.channel, message.thread_ts].remove(removed.ts)

    def message(self, channel: str, ts: str) -> Message | None:
        return self._messages.get(channel, {}).get(ts)

    def newest_first(self, channel: str, before_micros: int) -> Iterator[Message]:
        """Every message of the channel, replies and ephemerals too, at or before a time."""
        timeline = self._timelines.get(channel, [])
        messages = self._messages.get(channel, {})
        for index in range(bisect.bisect_right(timeline, before_micros) - 1, -1, -1):
            micros = timeline[index]
            yield messages[f"{micros // 1_000_000}.{micros % 1_000_000:06d}"]

    def oldest_first(self, channel: str) -> list[Message]:
        return list(self._messages.get(channel, {}).values())

    def replies(self, channel: str, thread_ts: str) -> list[Message]:
        """The thread's replies, oldest first, without its parent."""
        return [self._messages[channel][ts] for ts in self._threads.get((channel, thread_ts), [])]

    def direct_channel(self, user: str) -> Channel:
        """The user's conversation with the app, opened if need be."""
        channel_id = "D" + user[1:]
        if channel_id not in self.channels:
            self.save(Channel(id=channel_id, name="", members=(user, BOT_USER_ID), is_private=True, is_im=True))
        return self.channels[channel_id]

    def change_user(self, wanted: UserRequest) -> User:
        name = wanted.id.lower()
        user = self.users.get(wanted.id) or User(id=wanted.id, name=name, real_name=name, email="", team_id=TEAM)
        given = {field: getattr(wanted, field) for field in UserRequest.__struct_fields__}
        user = msgspec.structs.replace(user, **{field: value for field, value in given.items() if value is not None})
        self.save(UserChanged(user))
        return user

    def set_membership(self, channel: Channel, *, bot_member: bool | None, archived: bool | None) -> None:
        members = channel.members
        if bot_member is not None:
            members = tuple(member for member in members if member != BOT_USER_ID)
            members = (*members, BOT_USER_ID) if bot_member else members
        is_archived = channel.is_archived if archived is None else archived
        self.save(msgspec.structs.replace(channel, members=members, is_archived=is_archived))


def channel_view(channel: Channel) -> ChannelView:
    return ChannelView(
        id=channel.id,
        name=channel.name,
        is_private=channel.is_private,
        is_member=BOT_USER_ID in channel.members,
        is_archived=channel.is_archived,
        members=list(channel.members),
    )
