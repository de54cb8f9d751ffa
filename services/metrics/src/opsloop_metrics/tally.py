"""What is counted once and for all: clicks and commands with what became of them, and the figures of results. Pure.

The tally remembers how far it has counted in each stream. Whoever counts on begins behind that, so nothing is counted
twice, however often it is delivered, whoever restarts, however many count.
"""

import math
import re
from collections.abc import Iterable

import msgspec

from opsloop_common import codec
from opsloop_common.answers import AnswerState, HelpBody, MovedBody, RefusedBody, UnknownNameBody
from opsloop_common.bus import Stored
from opsloop_common.commands import CountClick, ShowHome
from opsloop_common.events import TaskState
from opsloop_common.subjects import event_in

FIGURES_AT_MOST = 2_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
OURS = ("task_", "slack_", "metrics_", "jetstream_", "nats_", "process_", "python_", "up")
"""What series of our own begin with: a figure has no such name."""


class Tally(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`events` and `commands` are the last counted sequences of the two streams.

    `actions` counts by "type outcome"; `figures` holds the newest value by name and target.
    """

    events: int = 0
    commands: int = 0
    actions: dict[str, int] = {}
    figures: dict[str, dict[str, float]] = {}


def with_events(tally: Tally, stored: Iterable[Stored]) -> Tally:
    """The tally after these events, oldest first; what was counted before is passed over."""
    actions, figures, last = dict(tally.actions), tally.figures, tally.events
    for one in stored:
        if one.sequence <= last:
            continue
        last = one.sequence
        try:
            event = codec.decode_event(one.data)
        except codec.Undecodable:
            continue
        if action := _action(event_in(one.subject), event.causedby, event.data):
            actions[action] = actions.get(action, 0) + 1
        if event_in(one.subject) == "succeeded" and isinstance(event.data, TaskState):
            figures = _with_figures(figures, event.data)
    return msgspec.structs.replace(tally, events=last, actions=actions, figures=figures)


def with_commands(tally: Tally, stored: Iterable[Stored]) -> Tally:
    """The tally after these commands: those that no event answers, link buttons and the app's page."""
    actions, last = dict(tally.actions), tally.commands
    for one in stored:
        if one.sequence <= last:
            continue
        last = one.sequence
        try:
            command = codec.decode_command(one.data).data
        except codec.Undecodable:
            continue
        if isinstance(command, CountClick | ShowHome):
            action = "link answered" if isinstance(command, CountClick) else "home answered"
            actions[action] = actions.get(action, 0) + 1
    return msgspec.structs.replace(tally, commands=last, actions=actions)


def _action(event: str, caused_by: str, state: TaskState | AnswerState) -> str:
    """What an event counts as; empty unless it is the one event that says what became of a request."""
    if isinstance(state, TaskState):
        # Queued by the request that bears the task's name: not a retry, not a follow-up, not a wake.
        is_new = event == "queued" and caused_by == state.id and state.attempt == 1 and not state.claims
        return "run accepted" if is_new else ""
    if event not in ("answered", "denied") or not state.verb:
        return ""
    return f"{state.verb} {'denied' if event == 'denied' else _outcome(state)}"


def _outcome(state: AnswerState) -> str:
    match state.body:
        case RefusedBody(reason="already_running"):
            return "joined"
        case RefusedBody():
            return "refused"
        case UnknownNameBody():
            return "mistake"
        case HelpBody(unknown_word=word) if word:
            return "mistake"
        case MovedBody():
            return "accepted"
    return "answered"


def _with_figures(figures: dict[str, dict[str, float]], task: TaskState) -> dict[str, dict[str, float]]:
    found = task.result.figures if task.result else {}
    for name, value in found.items():
        is_ours = not _NAME.fullmatch(name) or name.startswith(OURS)
        is_full = task.target not in figures.get(name, {}) and sum(map(len, figures.values())) >= FIGURES_AT_MOST
        if not is_ours and not is_full and math.isfinite(value):
            figures = {**figures, name: {**figures.get(name, {}), task.target: value}}
    return figures
