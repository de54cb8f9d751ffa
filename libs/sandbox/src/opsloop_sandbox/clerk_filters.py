"""Which users a listing shows: the filters of Clerk's GET /users, as its reference describes them.

https://clerk.com/docs/reference/backend-api/tag/users/get/users. A filter it does not know is no filter: whoever
misspells one gets everybody.
"""

from collections.abc import Callable

from opsloop_sandbox.clerk_contract import ClerkUser

MOST_VALUES = 100
DEFAULT_LIMIT, MOST_USERS = 10, 500
NOBODY_HAS = ("phone_number", "external_id", "username", "web3_wallet", "organization_id")

Query = list[tuple[str, str]]


class BadParameter(ValueError):
    """A parameter that Clerk refuses; `name` is which."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is invalid")
        self.name = name


def listed(users: list[ClerkUser], query: Query) -> list[ClerkUser]:
    """Raises BadParameter."""
    found = [user for user in users if all(keeps(user) for keeps in _filters(query))]
    order = _one(query, "order_by", "-created_at")
    if order.lstrip("+- ") != "created_at":
        raise BadParameter("order_by")
    if order.startswith("-"):
        found.reverse()
    limit, offset = _number(query, "limit", DEFAULT_LIMIT), _number(query, "offset", 0)
    if not 1 <= limit <= MOST_USERS:
        raise BadParameter("limit")
    return found[offset : offset + limit]


def _filters(query: Query) -> list[Callable[[ClerkUser], bool]]:
    filters: list[Callable[[ClerkUser], bool]] = []
    if emails := _values(query, "email_address"):
        wanted = {email.lower() for email in emails}
        filters.append(lambda user: any(email.address.lower() in wanted for email in user.emails))
    if ids := _values(query, "user_id"):
        filters.append(lambda user: user.id in ids)
    if part := _one(query, "email_address_query", "").lower():
        filters.append(lambda user: any(part in email.address.lower() for email in user.emails))
    if banned := _one(query, "banned", ""):
        filters.append(lambda user: user.banned == (banned == "true"))
    if any(_values(query, name) for name in NOBODY_HAS):
        filters.append(lambda user: False)
    return filters


def _values(query: Query, name: str) -> list[str]:
    values = [value for key, value in query if key == name and value]
    if len(values) > MOST_VALUES:
        raise BadParameter(name)
    return values


def _one(query: Query, name: str, default: str) -> str:
    """The first of several counts."""
    return next((value for key, value in query if key == name), default)


def _number(query: Query, name: str, default: int) -> int:
    text = _one(query, name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadParameter(name)
    return int(text)
