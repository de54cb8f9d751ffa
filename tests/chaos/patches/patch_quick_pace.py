"""The notifier without Slack's pace, for a sandbox that does not limit: a crossing costs seconds, not a minute."""

from opsloop_notifier import budget
from opsloop_notifier.budget import Limits, Rate

FAST = Rate(per_second=50, burst=50)


class QuickLimits(Limits, frozen=True, kw_only=True):
    update: Rate = FAST
    post: Rate = FAST
    post_workspace: Rate = FAST
    ephemeral: Rate = FAST
    read: Rate = FAST
    card_seconds: float = 0.2


budget.Limits = QuickLimits  # type: ignore[misc]
