"""The catalogue's list of verified people, where there is no identity provider."""

from opsloop_common.people import Identity
from opsloop_ingress.identity import address
from opsloop_ingress.identity.outcome import Source, refused, verified


class AllowList:
    """Whoever is on the list is verified: whoever wrote it vouches for them. The subject is the address."""

    source: Source = "list"

    def __init__(self, emails: tuple[str, ...]) -> None:
        self._emails = {email for one in emails if (email := address.normal(one))}

    async def look_up(self, email: str) -> Identity:
        if email in self._emails:
            return verified("list", email, email)
        return refused("list", "unknown_person")
