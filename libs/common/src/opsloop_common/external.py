"""A task that another system runs, in our state of it: its name there, links, buttons, its last sign of life."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

LINKS_AT_MOST = 4
BUTTONS_AT_MOST = 3
LONGEST_LABEL = 60
LONGEST_URL = 400


class Link(msgspec.Struct, frozen=True):
    """A way to more. Only https."""

    label: Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL)]
    url: Annotated[str, Meta(max_length=LONGEST_URL, pattern="^https://")]


class OwnButton(msgspec.Struct, frozen=True, omit_defaults=True):
    """A button of the publisher's own. Its `id` comes back to the publisher with each press."""

    id: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,32}$")]
    label: Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL)]
    style: Literal["", "primary", "danger"] = ""


class External(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of a task's state that only a publisher's task has.

    `task_id` is what the publisher calls it. `owner` is for whom it runs, in the publisher's words. `seen_at` is its
    last sign of life; without another it counts as silent at `silent_at`, as gone at `gone_at`. `sequence` is the
    publisher's own, `stored_at` and `stored` place the newest event in the publisher's stream, and `ids` are the
    digests of the last events: by them an older event, or the same once more, is known. A button that was drawn from a
    state at or before `buttons_from` belongs to buttons that are gone.
    """

    publisher: str
    task_id: str
    title: str
    seen_at: datetime
    silent_at: datetime
    gone_at: datetime
    owner: str = ""
    links: tuple[Link, ...] = ()
    buttons: tuple[OwnButton, ...] = ()
    buttons_from: int = 0
    sequence: int = 0
    stored_at: datetime | None = None
    stored: int = 0
    ids: tuple[str, ...] = ()
