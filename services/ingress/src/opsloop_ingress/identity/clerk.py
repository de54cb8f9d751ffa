"""Clerk's Backend API as an identity provider: https://clerk.com/docs/reference/backend-api"""

from opsloop_common.people import Identity
from opsloop_ingress.identity import match
from opsloop_ingress.identity.api import Caller
from opsloop_ingress.identity.outcome import Source

HEADERS = {"Clerk-API-Version": "2025-11-10"}
MOST_USERS = "2"
"""One more than there may be: enough to see that an address is not one person's."""


class Clerk:
    """`caller` sends HEADERS."""

    source: Source = "clerk"

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def look_up(self, email: str) -> Identity:
        answered = await self._caller.get("users", {"email_address": email, "limit": MOST_USERS})
        return match.read(answered, email)
