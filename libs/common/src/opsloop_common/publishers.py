"""Publishers: other systems that may report tasks of their own, as the catalogue names them."""

import re

import msgspec

from opsloop_common.people import Conversation

_PLACE = re.compile(r"[A-Z0-9]{2,32}")
CHANNELS_AT_MOST = 20


class Publisher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system that reports its tasks on `ops.ext.<name>.>`; its card is shown in one of `channels`.

    An event may name one of `channels` (ids in `workspace`; the first is the default), or a target of `targets`, which
    is shown in the channel that stands beside it. Beyond `burst`, at most `rate_per_second` changes of its tasks are
    taken in by each orchestrator: what comes faster waits, and is taken in together. A task without an event for
    `silent_after_seconds` shows that, and after `gone_after_seconds` its outcome is unknown. `press_by` lists who may
    press the buttons of its events, like `run_by` of a task; while it is empty, events may have none.
    """

    name: str
    title: str
    workspace: str
    channels: tuple[str, ...]
    targets: dict[str, str] = {}
    rate_per_second: float = 20
    burst: int = 100
    silent_after_seconds: float = 300
    gone_after_seconds: float = 86400
    press_by: tuple[str, ...] = ()

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """Every place where a task of this publisher may be shown, the default first."""
        channels = dict.fromkeys((*self.channels, *self.targets.values()))
        return tuple(self.conversation(channel) for channel in channels)

    def conversation(self, channel: str) -> Conversation:
        return Conversation(self.workspace, channel)

    @property
    def asks_who(self) -> bool:
        """Whether it matters for a press who somebody is, beyond their user id."""
        return any("@" in entry for entry in self.press_by)


def field_problem(field: str, value: object) -> str:
    """What is wrong with a value of the right type; empty when nothing is."""
    match field, value:
        case "workspace", str() if _PLACE.fullmatch(value) is None:
            return f"{value!r} is not the id of a workspace: T…"
        case "channels", ():
            return "name at least one channel: the first is where cards go by default"
        case "channels", tuple() if wrong := _no_channel(value):
            return wrong
        case "targets", dict() if wrong := _no_channel(tuple(value.values())):
            return wrong
        case "rate_per_second", int() | float() if not 0.1 <= value <= 1000:
            return f"{value!r} is not between 0.1 and 1000"
        case "burst", int() if not 1 <= value <= 10_000:
            return f"{value!r} is not between 1 and 10000"
        case (("silent_after_seconds" | "gone_after_seconds"), int() | float()) if not 1 <= value <= 7 * 86400:
            return f"{value!r} is not between 1 and 604800 seconds"
    return ""


def problems(publisher: Publisher, targets: set[str], tasks: set[str]) -> list[tuple[str, str]]:
    """What does not go together, as (field, sentence); `targets` and `tasks` are the names the catalogue has."""
    found: list[tuple[str, str]] = []
    if publisher.name in tasks:
        found.append(("", f"{publisher.name!r} is a task already: their cards could not be told apart"))
    if len(publisher.conversations) > CHANNELS_AT_MOST:
        found.append(("channels", f"at most {CHANNELS_AT_MOST} channels, those beside targets included"))
    if unknown := sorted(set(publisher.targets) - targets):
        found.append(("targets", f"there is no target {unknown[0]!r}"))
    if publisher.gone_after_seconds <= publisher.silent_after_seconds:
        found.append(("gone_after_seconds", "must be more than silent_after_seconds"))
    return found


def _no_channel(channels: tuple[str, ...]) -> str:
    wrong = [channel for channel in channels if _PLACE.fullmatch(channel) is None]
    return f"{wrong[0]!r} is not the id of a channel (C…)" if wrong else ""
