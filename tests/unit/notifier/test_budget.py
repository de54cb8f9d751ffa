"""The budget: a burst, then a rate; a reserve for what is urgent; a pause when Slack says so."""

from opsloop_notifier.budget import Allowance, Limits, Rate


def test_a_burst_then_a_rate() -> None:
    """Two at once, then one a second."""
    allowance = Allowance(Rate(per_second=1, burst=2), 0)
    for _ in range(2):
        assert allowance.wait_seconds(0, urgent=True) == 0
        allowance.take(0)
    assert allowance.wait_seconds(0, urgent=True) == 1
    assert allowance.wait_seconds(1, urgent=True) == 0


def test_the_reserve_is_for_what_is_urgent() -> None:
    """Progress leaves the reserve untouched; an end may use it."""
    allowance = Allowance(Rate(per_second=1, burst=2, reserve=1), 0)
    allowance.take(0)
    assert allowance.wait_seconds(0, urgent=False) == 1
    assert allowance.wait_seconds(0, urgent=True) == 0


def test_a_pause_holds_everybody_and_leaves_no_burst() -> None:
    """After a 429 nothing goes for its seconds, and then not everything at once."""
    allowance = Allowance(Rate(per_second=0.1, burst=10, reserve=3), 0)
    allowance.pause(0, 7)
    assert allowance.wait_seconds(0, urgent=True) == 7
    assert allowance.wait_seconds(7, urgent=True) == 0
    for _ in range(4):
        allowance.take(7)
    assert allowance.wait_seconds(7, urgent=True) > 0


def test_updates_stay_below_what_slack_allows_in_any_minute() -> None:
    """Burst and refill together are at most 50 a minute."""
    rate = Limits().update
    assert rate.burst + 60 * rate.per_second <= 50
