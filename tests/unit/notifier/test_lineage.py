"""Tasks that follow one another say so on both cards."""

from typing import get_args

import pytest

from opsloop_common.events import FollowUp, Parent
from opsloop_common.people import IdentityReason
from unit.notifier import states
from unit.notifier.states import DONE, QUEUED, card, changed

LINK = "https://slack.example/p1"


def test_a_follow_up_leads_to_the_task_that_started_it() -> None:
    """Its small print names the task before, with a link as soon as there is one."""
    task = changed(QUEUED, parent=Parent("07-p", "schema_fix"))
    assert f"Started by *schema_fix* (<{LINK}|open>) · Asked" in states.check(card(task, links={"07-p": LINK}))
    assert "Started by *schema_fix* · Asked" in states.check(card(task))


@pytest.mark.parametrize(
    ("follow_up", "told"),
    [
        (FollowUp(task="ugc_audit", task_id="07-c", outcome="started"), f"Next: ▶ *ugc_audit* (<{LINK}|open>)"),
        (
            FollowUp(task="ugc_audit", task_id="07-c", outcome="joined"),
            f"Next: ▶ *ugc_audit*, which was under way already (<{LINK}|open>)",
        ),
        (
            FollowUp(task="arr_forecast", task_id="07-d", outcome="denied", reason="unconfirmed_email"),
            "Next: *arr_forecast* was not started: Alice Rivera is not verified (the Slack address is not confirmed)",
        ),
        (
            FollowUp(task="arr_forecast", task_id="07-d", outcome="denied"),
            "Next: *arr_forecast* was not started: Alice Rivera may not run it",
        ),
        (
            FollowUp(task="arr_forecast", task_id="07-d", outcome="queue_full"),
            "Next: *arr_forecast* was not started: too many tasks wait for this target",
        ),
    ],
)
def test_a_task_says_what_came_after_it(follow_up: FollowUp, told: str) -> None:
    """Every outcome in words; a denial names whoever started the chain, not whoever retried."""
    task = changed(DONE, follow_ups=(follow_up,), attempt=2, attempt_by=states.BOB)
    assert told in states.check(card(task, links={"07-c": LINK})).splitlines()


def test_several_follow_ups_are_one_line() -> None:
    """In the order of the catalogue."""
    became = tuple(FollowUp(task=name, task_id=f"07-{name}", outcome="started") for name in ("one", "two"))
    assert "Next: ▶ *one* · ▶ *two*" in states.check(card(changed(DONE, follow_ups=became)))


@pytest.mark.parametrize("reason", get_args(IdentityReason))
def test_every_reason_has_a_clause_for_the_card(reason: IdentityReason) -> None:
    """Nobody is refused without a word."""
    task = changed(DONE, follow_ups=(FollowUp(task="x", task_id="07-d", outcome="denied", reason=reason),))
    assert "Alice Rivera" in states.check(card(task)).split("Next:")[1].splitlines()[0]
