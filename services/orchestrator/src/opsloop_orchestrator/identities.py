"""Who people are, asked of whoever can tell. Nothing here decides."""

from collections.abc import Awaitable, Callable

from opsloop_common import service
from opsloop_common.bus import Bus
from opsloop_common.people import Identity, IdentityQuery, Person

DEADLINE_SECONDS = 4.0
UNANSWERED = Identity(state="unknown", reason="no_answer")
OPERATOR = Identity(state="refused", reason="operator")

Identify = Callable[[Person], Awaitable[Identity]]
"""Who a person is. Never raises: without an answer in time it is unknown."""


def asking(bus: Bus, subject: str) -> Identify:
    """Asks over the broker."""

    async def identify(person: Person) -> Identity:
        if person.is_operator:
            return OPERATOR
        try:
            return await service.request(bus, subject, IdentityQuery(person), Identity, DEADLINE_SECONDS)
        except service.Unanswered:
            return UNANSWERED

    return identify
