"""Why somebody is not verified: as others read it on a card, and as the person is told what to do about it."""

from opsloop_common.people import IdentityReason

CLAUSES: dict[IdentityReason, str] = {
    "": "nobody vouches for them",
    "bot": "a bot cannot be",
    "deleted": "the Slack account is deactivated",
    "guest": "guests of the workspace cannot be",
    "stranger": "people of another organisation cannot be",
    "no_email": "Slack shows no e-mail address",
    "unconfirmed_email": "the Slack address is not confirmed",
    "unknown_person": "the directory does not know the Slack address",
    "ambiguous": "the directory has more than one person with that address",
    "other_address": "the directory has another address",
    "unverified_email": "the address is not verified in the directory",
    "banned": "the account is closed in the directory",
    "locked": "the account is locked in the directory",
    "not_set_up": "no directory of verified people is set up",
    "operator": "an operator at the broker cannot be",
    "no_answer": "Slack or the directory did not answer in time",
}
"""They complete "Bob is not verified: …"."""

SENTENCES: dict[IdentityReason, str] = {
    "": "Nobody vouches for you.",
    "bot": "You are a bot, and a bot cannot be verified.",
    "deleted": "Your Slack account is deactivated.",
    "guest": "You are a guest in this workspace, and only its members can be verified.",
    "stranger": "You belong to another organisation, and only members of this workspace can be verified.",
    "no_email": "Slack shows no e-mail address for you.",
    "unconfirmed_email": "Your Slack address is not confirmed.",
    "unknown_person": "The directory of verified people has nobody with your Slack address.",
    "ambiguous": "The directory of verified people has more than one person with your Slack address.",
    "other_address": "The directory of verified people knows you under another address than Slack does.",
    "unverified_email": "Your address is not verified in the directory of verified people.",
    "banned": "Your account in the directory of verified people is closed.",
    "locked": "Your account in the directory of verified people is locked.",
    "not_set_up": "No directory of verified people is set up here, so nobody can be verified.",
    "operator": "You are an operator at the broker, and nobody can tell who that is.",
    "no_answer": "Slack or the directory of verified people did not answer in time.",
}
"""In the second person: what is the matter."""

MENDS: dict[IdentityReason, str] = {
    "no_email": "Add one to your Slack profile, then try again",
    "unconfirmed_email": "Confirm it in Slack, then try again",
    "other_address": "Use the same address in both, then try again",
    "unverified_email": "Verify it there, then try again",
    "locked": "Wait until it is unlocked, then try again",
    "no_answer": "Try again in a minute",
}
"""What the person can do without anybody else; where there is nothing, somebody else has to help."""


def explained(reason: IdentityReason, whom: str) -> str:
    """`Your Slack address is not confirmed. Confirm it …; if that does not help, ask the help desk.`"""
    mend = MENDS.get(reason)
    help = f"{mend}; if that does not help, ask {whom}." if mend else f"Ask {whom}."
    return f"{SENTENCES[reason]} {help}"
