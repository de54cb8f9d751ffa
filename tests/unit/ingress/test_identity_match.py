"""Whether Clerk's answer makes somebody a verified person."""

import pytest

from opsloop_common.people import Identity, IdentityReason
from opsloop_ingress.identity import match
from opsloop_ingress.identity.outcome import Answered, NoAnswer
from unit.ingress.clerk_answers import EMAIL, Json, clerk_user, of_clerk, verification


def test_one_user_with_the_address_is_verified() -> None:
    """The subject is the user's id at Clerk; other addresses of the same user do not matter."""
    other = {"email_address": "other@x.example", "verification": None}
    same = {"email_address": "ALICE@Dealership.example", "verification": verification()}
    found = match.read(of_clerk(clerk_user(email_addresses=[other, same])), EMAIL)
    assert found == Identity(state="verified", email=EMAIL, subject="user_1", source="clerk")


def with_verification(verified: object) -> Json:
    return clerk_user(email_addresses=[{"email_address": EMAIL, "verification": verified}])


@pytest.mark.parametrize(
    ("users", "reason"),
    [
        ([], "unknown_person"),
        ([clerk_user(), clerk_user(id="user_2")], "ambiguous"),
        ([clerk_user("bob@dealership.example")], "other_address"),
        ([clerk_user("alice+ops@dealership.example")], "other_address"),
        ([clerk_user("al.ice@dealership.example")], "other_address"),
        ([clerk_user("alice@dealership.example.evil.example")], "other_address"),
        (
            [clerk_user("alic\N{FULLWIDTH LATIN SMALL LETTER E}@dealership.example")],
            "other_address",
        ),
        ([clerk_user(email_addresses=[])], "other_address"),
        ([with_verification(None)], "unverified_email"),
        ([with_verification(verification("unverified"))], "unverified_email"),
        ([with_verification(verification("expired"))], "unverified_email"),
        ([with_verification(verification("Verified"))], "unverified_email"),
        ([clerk_user(banned=True)], "banned"),
        ([clerk_user(deprovisioned=True)], "banned"),
        ([clerk_user(locked=True)], "locked"),
    ],
)
def test_everybody_else_is_refused(users: list[Json], reason: IdentityReason) -> None:
    """Each with its reason, and without an address or a subject that somebody could take for proof."""
    assert match.read(of_clerk(*users), EMAIL) == Identity(state="refused", reason=reason, source="clerk")


def test_a_listing_of_everybody_verifies_nobody() -> None:
    """What Clerk answers to a filter that it ignored."""
    everybody = [clerk_user("zoe@x.example", id="user_9"), clerk_user()]
    assert match.read(of_clerk(*everybody), EMAIL).reason == "ambiguous"


def missing(name: str) -> Json:
    return {key: value for key, value in clerk_user().items() if key != name}


@pytest.mark.parametrize(
    "answered",
    [
        *(Answered(status, b"[]") for status in (401, 403, 404, 422, 500, 302)),
        Answered(200, b""),
        Answered(200, b"<html>Please wait</html>"),
        Answered(200, b"\xff\xfe"),
        Answered(200, b"null"),
        Answered(200, b'{"data": [], "total_count": 0}'),
        Answered(200, b'["user_1"]'),
        *(of_clerk(missing(name)) for name in ("id", "email_addresses", "banned", "locked")),
        of_clerk(clerk_user(id="")),
        of_clerk(clerk_user(banned=None)),
        of_clerk(clerk_user(locked="no")),
        of_clerk(clerk_user(email_addresses=[{"email_address": EMAIL}])),
        of_clerk(clerk_user(email_addresses=[{"email_address": EMAIL, "verification": {}}])),
        of_clerk(clerk_user(email_addresses=[{"email_address": EMAIL, "verification": "verified"}])),
    ],
)
def test_a_broken_answer_is_no_answer(answered: Answered) -> None:
    """Neither yes nor no: it may be asked again."""
    with pytest.raises(NoAnswer):
        match.read(answered, EMAIL)


def test_a_wrong_key_is_named() -> None:
    """The log says which setting to mend."""
    with pytest.raises(NoAnswer, match="CLERK_SECRET_KEY"):
        match.read(Answered(401, b"{}"), EMAIL)
