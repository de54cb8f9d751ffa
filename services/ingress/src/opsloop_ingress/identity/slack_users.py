"""Slack's users.info, asked about one person."""

from opsloop_common.people import Person
from opsloop_ingress.identity import member
from opsloop_ingress.identity.api import Caller
from opsloop_ingress.identity.outcome import Address, Refusal


class SlackUsers:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def look_up(self, person: Person) -> Address | Refusal:
        """Raises NoAnswer."""
        return member.read(await self._caller.get("users.info", {"user": person.user}), person)
