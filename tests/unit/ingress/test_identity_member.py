"""What users.info says of a person."""

import pytest

from opsloop_common.people import IdentityReason, Person
from opsloop_ingress.identity import member
from opsloop_ingress.identity.outcome import Address, Answered, NoAnswer, NotSetUp, Refusal
from unit.ingress.clerk_answers import ALICE, EMAIL, Json, of_slack, slack_error, slack_user


def without(*names: str) -> Json:
    return {name: value for name, value in slack_user().items() if name not in names}


def test_a_member_has_an_address() -> None:
    """In lower case, whatever the profile says."""
    user = slack_user(profile={"email": "Alice@Dealership.Example"})
    assert member.read(of_slack(user), ALICE) == Address(EMAIL)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_bot": True}, "bot"),
        ({"is_workflow_bot": True}, "bot"),
        ({"deleted": True}, "deleted"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "stranger"),
        ({"team_id": "T2"}, "stranger"),
        ({"enterprise_user": {"id": "U1", "teams": ["T2"]}, "team_id": "E1"}, "stranger"),
        ({"profile": {}}, "no_email"),
        ({"profile": {"email": ""}}, "no_email"),
        ({"profile": {"email": None}}, "no_email"),
        ({"profile": {"email": "no address"}}, "no_email"),
        ({"is_email_confirmed": False}, "unconfirmed_email"),
        ({"is_invited_user": True}, "unconfirmed_email"),
    ],
)
def test_whoever_is_not_one_of_the_workspace_s_own_is_refused(changes: Json, reason: IdentityReason) -> None:
    """Each with its reason."""
    assert member.read(of_slack(slack_user(**changes)), ALICE) == Refusal(reason)


def test_slackbot_is_a_bot() -> None:
    """Slack does not call it one."""
    answered = of_slack(slack_user(id="USLACKBOT"))
    assert member.read(answered, Person("T1", "USLACKBOT")) == Refusal("bot")


def test_a_deleted_person_is_refused_although_slack_tells_less() -> None:
    """The fields about guests are missing then."""
    user = {**without("is_restricted", "is_ultra_restricted", "is_email_confirmed"), "deleted": True}
    assert member.read(of_slack(user), ALICE) == Refusal("deleted")


def test_a_workspace_of_the_same_organisation_is_the_person_s_own() -> None:
    """In an Enterprise Grid the account names every workspace it is in."""
    user = slack_user(team_id="E1", enterprise_user={"id": "W1", "teams": ["T0", "T1"]})
    assert member.read(of_slack(user), ALICE) == Address(EMAIL)


def test_an_address_that_nobody_questions_is_confirmed() -> None:
    """Slack does not always say whether it is."""
    assert member.read(of_slack(without("is_email_confirmed")), ALICE) == Address(EMAIL)


@pytest.mark.parametrize("code", ["user_not_found", "user_not_visible"])
def test_somebody_whom_the_workspace_does_not_know_is_a_stranger(code: str) -> None:
    """A definite no."""
    assert member.read(slack_error(code), ALICE) == Refusal("stranger")


@pytest.mark.parametrize(
    "answered",
    [
        Answered(500, b"{}"),
        Answered(200, b"<html>"),
        Answered(200, b"\xff"),
        Answered(200, b"[]"),
        Answered(200, b'{"ok": true}'),
        Answered(200, b'{"ok": "yes"}'),
        slack_error("invalid_auth"),
        slack_error("internal_error"),
        slack_error("<script>"),
        of_slack(slack_user(id="U2")),
        of_slack(slack_user(is_bot="no")),
        *(of_slack(without(name)) for name in ("id", "team_id", "deleted", "is_bot", "is_restricted", "profile")),
        of_slack(without("is_ultra_restricted")),
    ],
)
def test_a_broken_answer_is_no_answer(answered: Answered) -> None:
    """Neither yes nor no: it may be asked again."""
    with pytest.raises(NoAnswer) as caught:
        member.read(answered, ALICE)
    assert not isinstance(caught.value, NotSetUp)
    assert "script" not in str(caught.value)


@pytest.mark.parametrize("answered", [slack_error("missing_scope"), of_slack(slack_user(profile={}), "users:read")])
def test_a_token_without_its_scopes_is_not_the_person_s_fault(answered: Answered) -> None:
    """Without users:read.email nobody has an address; the reason names the scope."""
    with pytest.raises(NotSetUp, match=r"users:read\.email"):
        member.read(answered, ALICE)
