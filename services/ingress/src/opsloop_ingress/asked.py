"""What a request can turn out to be, once it is decoded."""

from datetime import datetime
from typing import Literal, TypeAlias, TypedDict

import msgspec

from opsloop_common.commands import AnyCommand, ExplainButton, RunTask
from opsloop_common.forms import FormOpen
from opsloop_common.people import Conversation, Person

Kind = Literal["command", "interaction", "event"]


class Asked(msgspec.Struct, frozen=True):
    """Something is asked. `foreign_answer_host` names the host of an answer URL that was left out."""

    command: AnyCommand
    foreign_answer_host: str = ""


class FormWanted(msgspec.Struct, frozen=True):
    """A task is asked for whose parameters are missing: a form is to be opened. If it cannot be, `instead` is asked."""

    form: FormOpen
    instead: ExplainButton
    foreign_answer_host: str = ""


class Submitted(msgspec.Struct, frozen=True):
    """A form was filled in. What is wrong with the values is told in the form, while it is open."""

    command: RunTask


class Ignored(msgspec.Struct, frozen=True):
    """Nothing is asked: `what` is counted, nothing else."""

    what: str


class Challenge(msgspec.Struct, frozen=True):
    """Slack wants to see this text again before it sends events."""

    text: str


Decoded: TypeAlias = Asked | FormWanted | Submitted | Ignored | Challenge


class Request(TypedDict):
    """What every command of a request has in common."""

    request_id: str
    actor: Person
    conversation: Conversation
    asked_at: datetime
    answer_url: str
    command: str
