"""No, and why, and what to do: a sentence for every reason."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings

from opsloop_common.answers import ParamProblem, RefusalReason, RefusedBody
from opsloop_common.people import IdentityReason
from opsloop_notifier.answers.refusals import SENTENCES
from unit.notifier import states
from unit.notifier.states import HOSTILE, told

LINK = "https://slack.example/p1"


def refused(reason: RefusalReason, **more: object) -> str:
    base = RefusedBody(reason=reason, command="/d", task="arr_forecast", target="naples-honda")
    message = told(msgspec.structs.replace(base, **more), links={"07-x": LINK})
    states.check(message)
    return message.text


@pytest.mark.parametrize("reason", get_args(RefusalReason))
def test_every_refusal_says_what_to_do(reason: RefusalReason) -> None:
    """No reason without a sentence, and none with a hole in it."""
    text = refused(reason)
    assert len(text) > 40
    assert "  " not in text
    assert "``" not in text
    assert text.endswith(".")


def test_the_sentences_are_those_of_the_reasons() -> None:
    """No sentence that nobody can ever read."""
    assert set(SENTENCES) == set(get_args(RefusalReason))


def test_an_equal_task_under_way_is_linked() -> None:
    """Already running: the link leads to that card; braces in names are text."""
    text = refused("already_running", task_id="07-x", target="n{command}")
    assert text.endswith(f"<{LINK}|Open its card>")
    assert "n{command}" in text


def test_bad_params_are_listed() -> None:
    """Each parameter with what would be right."""
    problems = (ParamProblem("days", "Days is a whole number."), ParamProblem("mode", "Mode is one of a or b."))
    text = refused("bad_params", problems=problems)
    assert "• `days`: Days is a whole number.\n• `mode`: Mode is one of a or b.\n" in text


@pytest.mark.parametrize("reason", get_args(IdentityReason))
@pytest.mark.parametrize("refusal", ["not_verified", "no_identity"])
def test_whoever_is_not_verified_is_told_why_and_whom_to_ask(refusal: RefusalReason, reason: IdentityReason) -> None:
    """In the second person, with the contact of the catalogue."""
    text = refused(refusal, identity=reason, contact="the help desk.")
    assert text.endswith(("Ask the help desk.", "ask the help desk."))
    assert "*arr_forecast*" in text


def test_an_address_that_is_not_confirmed_can_be() -> None:
    """What the person can do alone comes first."""
    assert refused("not_verified", identity="unconfirmed_email", contact="the help desk") == (
        "*arr_forecast* is for verified people only. Your Slack address is not confirmed. "
        "Confirm it in Slack, then try again; if that does not help, ask the help desk."
    )


@pytest.mark.parametrize(
    ("more", "whom"),
    [
        ({"contact": "the help desk", "owners": ("U0BOB",)}, "the help desk"),
        ({"owners": ("U0BOB", "U0ALICE", "U0X")}, "Bob or Alice Rivera"),
        ({"owners": ("U0X",)}, "whoever keeps the catalogue of tasks"),
        ({}, "whoever keeps the catalogue of tasks"),
    ],
)
def test_somebody_is_named_to_ask(more: dict[str, object], whom: str) -> None:
    """The contact, else owners by name, else a role; nobody is called."""
    text = refused("not_permitted", **more)
    assert text == f"You may not run *arr_forecast*. Ask {whom}."


def test_only_the_starter_or_an_owner_may() -> None:
    """Owners are named where their names are known."""
    assert "or an owner (Bob), may retry or cancel it" in refused("not_yours", owners=("U0BOB",))
    assert "or an owner, may retry or cancel it" in refused("not_yours")


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("succeeded", "had already completed"),
        ("failed", "had already failed"),
        ("cancelled", "had already been cancelled"),
        ("unknown", "had already ended"),
        (None, "had already ended"),
    ],
)
def test_a_cancel_that_came_too_late_says_how_it_ended(status: str | None, end: str) -> None:
    """Each end in its own word."""
    assert end in refused("cancel_too_late", status=status)


def test_an_id_nobody_knows_is_repeated() -> None:
    """And where ids are to be found; without an id, what to type."""
    assert refused("no_such_task", given="07-<x>").startswith("There is no task with the id `07-&lt;x&gt;`.")
    assert "`/d task &lt;id&gt;`" in refused("no_such_task")


@settings(deadline=None, max_examples=40)
@given(HOSTILE)
def test_no_refusal_repeats_what_slack_would_interpret(text: str) -> None:
    """Whatever was typed or kept in the catalogue stays text, within the limits."""
    more: dict[str, object] = {
        "command": text, "task": text, "target": text, "given": text, "contact": text, "identity": "no_answer",
        "problems": (ParamProblem(text, text),) * 20,
    }  # fmt: skip
    for reason in get_args(RefusalReason):
        assert "<" not in refused(reason, **more)
