"""Notices: what publishers are told about their tasks, on `ops.out.<publisher>.<task_id>.<notice>` or in an answer."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from opsloop_common.people import Person
from opsloop_common.reports import Fault


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The task is known here from now on, as `id`. Said once for each task."""

    publisher: str
    task_id: str
    id: str
    at: datetime


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Its card is up; `permalink` leads there, where there is one to be had. Said once for each task."""

    publisher: str
    task_id: str
    id: str
    at: datetime
    permalink: str = ""


class Rejected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event was not taken. `event` is the last token of its subject, `event_id` its own id where it had one."""

    publisher: str
    task_id: str
    fault: Fault
    at: datetime
    event: str = ""
    event_id: str = ""


class Clicked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody pressed one of the publisher's buttons. Said once for each press, under the same `click_id`.

    `email` is there where the person is known to be verified.
    """

    publisher: str
    task_id: str
    id: str
    click_id: str
    button: str
    label: str
    by: Person
    at: datetime
    email: str = ""


class Received(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a report that was sent as a request. `id` is ours; `fault` says why it was rejected."""

    outcome: Annotated[
        Literal["accepted", "duplicate", "overtaken", "rejected"],
        Meta(description="duplicate: known by its id; overtaken: a newer event was there before"),
    ]
    id: str = ""
    fault: Fault | None = None


NOTICES: dict[type, str] = {Accepted: "accepted", Shown: "shown", Rejected: "rejected", Clicked: "clicked"}
"""Each with the last token of its subject."""
