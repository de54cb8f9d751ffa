"""What Slack sends, as far as it is read. Everything that is not named here is ignored.

https://docs.slack.dev/reference/interaction-payloads and https://docs.slack.dev/apis/events-api
"""

import msgspec


class Reference(msgspec.Struct, frozen=True):
    """A team, channel or enterprise."""

    id: str


class User(msgspec.Struct, frozen=True):
    """Who did it. `team_id` is the workspace the person belongs to, which in a shared channel may be another one."""

    id: str
    team_id: str | None = None


class Container(msgspec.Struct, frozen=True):
    """Where the button stands: in a message, or in a view."""

    type: str | None = None
    message_ts: str | None = None


class View(msgspec.Struct, frozen=True):
    """A modal, or the app's own page (type "home"). `state` is a ViewState where the view is a form of ours.

    `private_metadata` and `callback_id` come back through the person's client: believe neither.
    """

    id: str | None = None
    team_id: str | None = None
    type: str | None = None
    callback_id: str | None = None
    private_metadata: str | None = None
    state: msgspec.Raw = msgspec.Raw(b"null")


class Option(msgspec.Struct, frozen=True):
    """One of the choices of a select."""

    value: str


class Element(msgspec.Struct, frozen=True):
    """What was entered in an input, or chosen in a select; null where nothing was."""

    value: str | None = None
    selected_option: Option | None = None


class ViewState(msgspec.Struct, frozen=True):
    """What was entered, by block_id and action_id."""

    values: dict[str, dict[str, Element]]


class Action(msgspec.Struct, frozen=True):
    """One click. `value` and `action_id` come back through the person's client: believe neither."""

    action_id: str = ""
    action_ts: str = ""
    value: str | None = None
    url: str | None = None


class Interaction(msgspec.Struct, frozen=True):
    """`team` is null where the app is installed for a whole organisation."""

    type: str
    user: User
    team: Reference | None = None
    api_app_id: str | None = None
    channel: Reference | None = None
    container: Container | None = None
    view: View | None = None
    trigger_id: str | None = None
    response_url: str | None = None
    actions: tuple[Action, ...] | None = None


class InnerEvent(msgspec.Struct, frozen=True):
    type: str = ""


class HomeOpened(msgspec.Struct, frozen=True):
    """The person opened the app: its page (tab "home") or its messages."""

    user: str
    tab: str = ""
    event_ts: str = ""


class Event(msgspec.Struct, frozen=True):
    """The envelope of the Events API. What `event` holds depends on its type."""

    type: str
    team_id: str | None = None
    api_app_id: str | None = None
    challenge: str | None = None
    event_id: str | None = None
    event: msgspec.Raw = msgspec.Raw(b"null")
