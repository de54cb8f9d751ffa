"""What the control API says of Socket Mode."""

from typing import Literal

import msgspec

Goodbye = Literal["warning", "refresh_requested", "link_disabled"]


class SocketsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`disconnect` says goodbye to every connection and closes it a little later; `drop` cuts them off at once."""

    do: Literal["disconnect", "drop"]
    reason: Goodbye = "refresh_requested"


class SocketsView(msgspec.Struct, frozen=True, kw_only=True):
    """`connected` may be given a payload; `leaving` have been told goodbye; `opened` counts all there ever were."""

    connected: int
    leaving: int
    opened: int
