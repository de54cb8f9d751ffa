"""The sentences of the notifier, where a wording stands by itself."""

from datetime import datetime

from opsloop_common.answers import RefusalReason
from opsloop_common.events import Status
from opsloop_common.measures import Measure

STATUS_SIGNS: dict[Status, str] = {
    "queued": "⏳",
    "running": "▶️",
    "succeeded": "✅",
    "failed": "❌",
    "cancelled": "🚫",
    "unknown": "❓",
}

STATUS_WORDS: dict[Status, str] = {
    "queued": "queued",
    "running": "running",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "unknown": "outcome unknown",
}

UNKNOWN_OUTCOME = (
    "It stopped in the middle of a step, and nobody can say whether the step took effect. "
    "It was not run again: look at the target, then decide."
)

REFUSALS: dict[RefusalReason, str] = {
    "too_late": "This request waited too long and was not run. Click again.",
    "button_outdated": "This button belongs to an earlier state. Use the buttons on the newest card.",
    "button_unknown": "This button is not known here. Type `{command} help` and start again from there.",
    "already_running": "{subject} is already queued or running. Follow that one; it was not started a second time.",
    "queue_full": "Too many tasks already wait for this target. Try again when some have finished.",
    "not_permitted": "You may not run this. Ask whoever keeps the catalogue to add you to `run_by` of the task.",
    "not_failed": "There is nothing to retry: this task has not failed, or somebody has already retried it.",
}

NO_LOG_LINES = "There are no log lines yet."


STALE_SECONDS = 300.0
"""A sample older than this says its age."""


def unreachable(channel: str, bot: str, error: str) -> str:
    """What the requester can do about a channel we cannot post in. `channel` is an id."""
    where = f"<#{channel}>"
    if error in ("is_archived", "is_inactive"):
        return f"I cannot post in {where}: it is archived. Ask again in another channel."
    if error.startswith("restricted_action"):
        return f"I am not allowed to post in {where}. Ask its owners to let apps post, or use another channel."
    if error in ("channel_not_found", "not_in_channel"):
        return f"I cannot post in {where}. Type `/invite @{bot}` there, then ask again."
    return f"I could not post in {where} (Slack said `{error}`). Nothing about your request is visible there."


def unconfirmed(channel: str, error: str) -> str:
    """For a post whose answer was lost in a channel we may not read. `channel` is an id."""
    return (
        f"Slack did not say whether my message in <#{channel}> was posted, and I may not read there (`{error}`). "
        "Look there before you ask again; the task itself goes on."
    )


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `1 min 5 s`, `2 h 3 min`."""
    if seconds < 1:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def moment(at: datetime) -> str:
    """A time that Slack shows in the reader's own zone."""
    fallback = at.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def measure(found: Measure, at: datetime | None) -> str:
    """`$4,820.11`, `0.93`, `no data`; an old sample says when it was taken."""
    if found.state == "no_data":
        return "no data"
    if found.state == "unavailable":
        return "unavailable"
    if found.at is not None and at is not None and (at - found.at).total_seconds() > STALE_SECONDS:
        return f"{_value(found)} (sample of {moment(found.at)})"
    return _value(found)


def _value(found: Measure) -> str:
    match found.unit:
        case "usd":
            sign = "-" if found.value < 0 else ""
            return f"{sign}${abs(found.value):,.2f}"
        case "ratio":
            return f"{found.value:.2f}"
        case "number":
            return f"{found.value:,.2f}".rstrip("0").rstrip(".")


def bar(percent: int) -> str:
    """Ten cells: `██████░░░░ 60%`."""
    bounded = max(0, min(100, percent))
    filled = bounded // 10
    return f"{'█' * filled}{'░' * (10 - filled)} {bounded}%"
