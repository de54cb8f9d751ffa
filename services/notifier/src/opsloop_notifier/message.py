"""A message for Slack, its parts, and the marker by which we find it again.

The marker (key and signature) stands in the metadata and in the first block's `block_id`, because Slack may strip
metadata. Limits: https://docs.slack.dev/reference/block-kit/blocks
"""

import hashlib
from typing import TypeAlias

import msgspec

from opsloop_common.signing import sign, verify

# What JSON holds; block kit is too loose for more.
Block: TypeAlias = dict[str, object]

EVENT_TYPE = "opsloop_message"
SECTION_LIMIT = 3000
CONTEXT_LIMIT = 2000
HEADER_LIMIT = 150
BUTTON_LIMIT = 75
TEXT_LIMIT = 3000
"""Of the top-level text; chat.update refuses more than 4,000."""
_MARKER = "marker"


class Message(msgspec.Struct, frozen=True):
    """What is sent. `text` is what notifications and screen readers get."""

    text: str
    blocks: list[Block]
    metadata: Block = {}

    def without_blocks(self) -> "Message":
        """The same in plain text, for when Slack refuses the blocks."""
        return Message(self.text, [], self.metadata)

    def digest(self) -> str:
        """Tells two contents apart; block ids, new on every update, do not count."""
        blocks = [{name: value for name, value in block.items() if name != "block_id"} for block in self.blocks]
        content = msgspec.json.encode([self.text, blocks], order="sorted")
        return hashlib.sha256(content).hexdigest()[:16]


class Marker(msgspec.Struct, frozen=True):
    key: str
    mac: str


def mark(secrets: tuple[str, ...], key: str, version: str, text: str, blocks: list[Block]) -> Message:
    """The message with its marker. `version` differs from one update to the next: Slack wants new block ids."""
    mac = sign(secrets, _MARKER, key)
    named: list[Block] = [
        {**block, "block_id": f"{key}|{mac}|{version}" if index == 0 else f"{version}.{index}"}
        for index, block in enumerate(blocks)
    ]
    metadata: Block = {"event_type": EVENT_TYPE, "event_payload": {"key": key, "mac": mac, "version": version}}
    return Message(text, named, metadata)


def is_ours(secrets: tuple[str, ...], marker: Marker) -> bool:
    """Whether we signed it, now or before a rotation."""
    return verify(secrets, _MARKER, marker.key, marker.mac)


def marker_in_block_id(block_id: str) -> Marker | None:
    key, bar, rest = block_id.partition("|")
    mac, second_bar, _ = rest.partition("|")
    return Marker(key, mac) if bar and second_bar else None


def version_in_block_id(block_id: str) -> str:
    return block_id.split("|", 2)[2] if block_id.count("|") >= 2 else ""


def mrkdwn(text: str) -> Block:
    # verbatim: bare URLs and names in text of others are not turned into links.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text)]}


def actions(elements: list[Block]) -> Block:
    return {"type": "actions", "elements": elements}


def button(action: str, label: str, value: str, *, url: str = "") -> Block:
    element: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label, "emoji": True},
        "value": value,
    }
    return {**element, "url": url} if url else element
