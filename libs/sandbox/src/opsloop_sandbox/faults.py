"""What goes wrong on purpose: which call, and how. Lives in memory: a restart heals everything."""

import msgspec

from opsloop_sandbox.contract import Fault, FaultRequest

CLERK_METHOD = "clerk.users"
"""The name under which calls to the identity provider are counted."""

STORES = {
    "stored_then_reset": True,
    "stored_then_500": True,
    "lost_500": False,
    "hang": True,
    "slow_landing": False,
    "ratelimited": False,
    "unreadable_body": True,
    "error": False,
    "history_lag": True,
}


def stores(fault: FaultRequest) -> bool:
    """Whether the call takes effect before it goes wrong."""
    if fault.stored is not None and fault.behaviour in ("hang", "unreadable_body", "error"):
        return fault.stored
    return STORES[fault.behaviour]


class Faults:
    """In the order given: the first that matches and is due decides, yet all that match count the call."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(self, request: FaultRequest) -> Fault:
        self._last_id += 1
        fault = Fault(id=self._last_id, request=request, seen=0, fired=0)
        self._faults.append(fault)
        return fault

    def all(self) -> list[Fault]:
        return list(self._faults)

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, method: str, channel: str) -> FaultRequest | None:
        """The fault that hits this call, if any."""
        hit: FaultRequest | None = None
        for index, fault in enumerate(self._faults):
            if not _matches(fault.request, method, channel):
                continue
            due = hit is None and _due(fault)
            if due:
                hit = fault.request
            self._faults[index] = msgspec.structs.replace(fault, seen=fault.seen + 1, fired=fault.fired + due)
        return hit


def _matches(request: FaultRequest, method: str, channel: str) -> bool:
    is_slack = not method.startswith(("site.", "effect.", "clerk.", "response_url"))
    named = request.method == method or (request.method == "*" and is_slack)
    return named and request.channel in (None, channel)


def _due(fault: Fault) -> bool:
    request = fault.request
    number = fault.seen + 1
    if request.every is not None:
        return number % request.every == 0 and (request.times is None or fault.fired < request.times)
    return request.nth <= number < request.nth + (request.times or 1)
