"""Lines put together so that no line is cut where it must not be, and no block grows past Slack's limits."""

from collections.abc import Sequence

from opsloop_notifier.message import SECTION_LIMIT, Block, section
from opsloop_notifier.mrkdwn import ELLIPSIS, size

SEPARATOR = " · "


def within(lines: Sequence[str], limit: int) -> str:
    """Whole lines, as many as fit into `limit` units; what is left out shows as an ellipsis."""
    shown: list[str] = []
    room = limit - 2
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            return "\n".join([*shown, ELLIPSIS])
        shown.append(line)
    return "\n".join(shown)


def joined(parts: Sequence[str], limit: int) -> str:
    """Whole parts with dots between them, as many as fit into `limit` units."""
    shown = list(parts)
    while shown and size(SEPARATOR.join(shown)) > limit:
        shown.pop()
    return SEPARATOR.join(shown)


def sections(lines: Sequence[str]) -> list[Block]:
    """As many sections as the lines need."""
    texts: list[list[str]] = []
    room = 0
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            texts.append([])
            room = SECTION_LIMIT - 2 - size(line) - 1
        texts[-1].append(line)
    return [section(within(text, SECTION_LIMIT)) for text in texts]
