"""Text of others made harmless for Slack: redacted, escaped, and cut to Slack's limits at a whole character.

https://docs.slack.dev/messaging/formatting-message-text: only `&`, `<` and `>` start anything that can mention,
link or format as a control sequence. Sizes are UTF-16 units, the largest way anybody counts characters.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

Redact = Callable[[str], str]

ELLIPSIS = "…"
LONGEST_LOG_LINE = 300
_FENCE = "```"

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"\s+")
_FORMATTING = str.maketrans({"`": "ˋ", "*": "∗", "~": "∼"})
_ZERO_WIDTH_JOINER = "\u200d"
_JOINERS = {_ZERO_WIDTH_JOINER, "\ufe0e", "\ufe0f"}


def size(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def escape(text: str) -> str:
    """`text` as Slack shows it literally; what cannot be shown (control characters, half surrogates) is replaced."""
    return "".join(_ENTITIES.get(character, character) for character in _clean(text))


def fit(text: str, limit: int) -> str:
    """`text` escaped, at most `limit` units long; what does not fit ends in an ellipsis after a whole character."""
    clean = _clean(text)
    whole = escape(clean) if len(clean) <= limit else None
    if whole is not None and size(whole) <= limit:
        return whole
    kept: list[str] = []
    room = limit - 1
    for cluster in _clusters(clean[: limit + 1]):
        shown = escape(cluster)
        room -= size(shown)
        if room < 0:
            break
        kept.append(shown)
    return "".join(kept) + ELLIPSIS


class Pen:
    """Writes what a user, a task or a publisher said. Secrets are masked before anything is cut."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def line(self, text: str, limit: int) -> str:
        """One line of running text, safe in mrkdwn: no control sequence and no formatting of its own."""
        flat = _SPACE.sub(" ", self._redact(text)).strip().translate(_FORMATTING)
        return fit(flat, limit)

    def plain(self, text: str, limit: int) -> str:
        """One line for a plain_text object, where Slack unescapes entities and formats nothing."""
        return fit(_SPACE.sub(" ", self._redact(text)).strip(), limit)

    def code(self, lines: Iterable[str], limit: int) -> str:
        """The last of these lines that fit into a code block of `limit` units with its fences; "" if none do."""
        room = limit - 2 * len(_FENCE) - 2
        kept: list[str] = []
        for text in reversed(list(lines)):
            shown = fit(self._literal(text), LONGEST_LOG_LINE)
            room -= size(shown) + 1
            if room < 0:
                break
            kept.append(shown)
        if not kept:
            return ""
        return "\n".join([_FENCE, *reversed(kept), _FENCE])

    def _literal(self, text: str) -> str:
        flat = self._redact(text).replace("\r", "").replace("\n", " ⏎ ")
        # Three backticks would end the block they stand in.
        return re.sub("`{2,}", lambda found: "ˋ" * len(found[0]), flat)


def _clean(text: str) -> str:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("\ufffd", whole)


def _clusters(text: str) -> Iterator[str]:
    """What a person sees as one character: a base with its marks, a joined emoji, a flag."""
    cluster = ""
    for character in text:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    if character in _JOINERS or cluster[-1] == _ZERO_WIDTH_JOINER:
        return True
    if unicodedata.category(character) in ("Mn", "Me", "Mc") or 0x1F3FB <= ord(character) <= 0x1F3FF:
        return True
    return len(cluster) == 1 and _is_flag_half(cluster) and _is_flag_half(character)


def _is_flag_half(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF
