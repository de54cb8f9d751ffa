"""What the page alone reads from the control API: what passes behind the scenes, and what it can offer."""

from typing import Literal

import msgspec

from opsloop_sandbox.json_value import JsonObject


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one method a minute, and how many are left of the last sixty seconds."""

    method: str
    limit: int
    left: int


BusState = Literal["off", "connecting", "watching"]


class Passing(msgspec.Struct, frozen=True, kw_only=True):
    """A message seen on the bus. `about` is the state it tells of in a few words; `data` is without capabilities."""

    n: int
    at: float
    subject: str
    type: str
    source: str
    about: str
    data: JsonObject | None = None


class Service(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    pid: int | None = None
    running: bool = False


class ServiceRequest(msgspec.Struct, frozen=True, kw_only=True):
    do: Literal["stop", "kill", "start"]
    name: str


class ServicesView(msgspec.Struct, frozen=True, kw_only=True):
    """`problem` says why there is nobody to ask."""

    services: list[Service] = []
    problem: str | None = None


class PageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs once. `started` differs after every start of the sandbox."""

    command: str
    tasks: list[str]
    dealers: list[str]
    domain: str
    bus: BusState
    passed: list[Passing]
    started: str
