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
    """Where the button stands."""

    message_ts: str | None = None


class View(msgspec.Struct, frozen=True):
    team_id: str | None = None


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
    response_url: str | None = None
    actions: tuple[Action, ...] | None = None


class InnerEvent(msgspec.Struct, frozen=True):
    type: str = ""


class Event(msgspec.Struct, frozen=True):
    """The envelope of the Events API."""

    type: str
    team_id: str | None = None
    api_app_id: str | None = None
    challenge: str | None = None
    event: InnerEvent | None = None
