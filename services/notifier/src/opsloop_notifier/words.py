"""The sentences of the notifier, where a wording stands by itself."""

from datetime import datetime

from opsloop_common.events import Status

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

CANCELLING_SIGN = "🛑"
CANCELLING = "being cancelled"

UNKNOWN_OUTCOME = (
    "It stopped in the middle of a step, and nobody can say whether the step took effect. "
    "It was not run again: look at the target, then decide."
)

SETTLE = "Look at the target, then press one of the two buttons."
AGAIN_SIGN = "🔁"
STALLED_SIGN = "💤"
PROBING = "🔎 Checking whether it took effect before its process was lost"
LOST = "💤 Its process was lost – waiting to be taken up again"

STORED_LATE = "Slack reported a failure for this click, but it was stored"

NO_LOG_LINES = "There are no log lines yet."


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


def moment(at: datetime) -> str:
    """A time that Slack shows in the reader's own zone."""
    fallback = at.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def day(at: datetime) -> str:
    """A date that Slack shows in the reader's own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short}}|{at.strftime('%Y-%m-%d')}>"


def ago(at: datetime, now: datetime) -> str:
    """`just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 days ago`."""
    seconds = (now - at).total_seconds()
    if seconds < 1:
        return "just now"
    for unit_seconds, unit in ((86400, "day"), (3600, "h"), (60, "min"), (1, "s")):
        count = int(seconds // unit_seconds)
        if count:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return "just now"


def ordinal(place: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`."""
    ending = "th" if 10 <= place % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def bar(percent: int) -> str:
    """Ten cells: `██████░░░░ 60%`."""
    bounded = max(0, min(100, percent))
    filled = bounded // 10
    return f"{'█' * filled}{'░' * (10 - filled)} {bounded}%"
