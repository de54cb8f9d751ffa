"""What a message may say: text, blocks, attachments and metadata, read from arguments and checked."""

import re
import secrets

import msgspec

from opsloop_sandbox.arguments import Arguments
from opsloop_sandbox.block_rules import check_blocks
from opsloop_sandbox.json_value import JsonObject, as_object, as_text, walk
from opsloop_sandbox.slack_error import SlackError

LONGEST_POSTED_TEXT = 40_000  # longer is cut off
LONGEST_UPDATED_TEXT = 4_000  # longer is refused
LONGEST_MARKDOWN_TEXT = 12_000
MOST_ATTACHMENTS = 100
LARGEST_METADATA_BYTES = 8_000  # Slack publishes no figure; ids fit in any
EVENT_TYPE = re.compile(r"[A-Za-z0-9_]{1,255}")
INTERACTIVE_HOLDERS = {"actions": "elements", "context_actions": "elements", "input": "element"}


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """None means "not given", which chat.update treats differently from "empty"."""

    text: str | None
    blocks: list[JsonObject] | None
    attachments: list[JsonObject] | None
    metadata: JsonObject | None

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.blocks or self.attachments)


def read_content(arguments: Arguments, *, longest_text: int | None) -> Content:
    """Raises SlackError for what Slack would refuse: text over `longest_text` too; over 40,000 characters it is cut."""
    text = arguments.text("text") if arguments.has("text") else None
    blocks = _read_blocks(arguments)
    markdown = arguments.text("markdown_text")
    if markdown:
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > LONGEST_MARKDOWN_TEXT:
            raise SlackError("msg_too_long")
        text = markdown
    if text is not None and longest_text is not None and len(text) > longest_text:
        raise SlackError("msg_too_long")
    return Content(
        text=None if text is None else text[:LONGEST_POSTED_TEXT],
        blocks=blocks,
        attachments=_read_attachments(arguments),
        metadata=_read_metadata(arguments),
    )


def _read_blocks(arguments: Arguments) -> list[JsonObject] | None:
    blocks = arguments.structure("blocks", "invalid_blocks_format")
    if blocks is None:
        return None
    problems = check_blocks(blocks)
    if problems or not isinstance(blocks, list):
        raise SlackError("invalid_blocks", errors=problems, response_metadata={"messages": problems})
    return [with_ids(block) for block in blocks]


def with_ids(block: JsonObject) -> JsonObject:
    """Slack names what the app left nameless: every block, and every element that can be used."""
    named = block if block.get("block_id") else {**block, "block_id": secrets.token_urlsafe(4)}
    kind = as_text(named.get("type"))
    for part in walk(named.get(INTERACTIVE_HOLDERS.get(kind, "accessory"))):
        usable = part.get("type") == "button" or (kind == "input" and part is named["element"])
        if usable and not part.get("action_id"):
            part["action_id"] = secrets.token_urlsafe(4)
    return named


def _read_attachments(arguments: Arguments) -> list[JsonObject] | None:
    attachments = arguments.structure("attachments", "invalid_attachments")
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(item, dict) for item in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    return attachments


def _read_metadata(arguments: Arguments) -> JsonObject | None:
    """`{}` = clear. An event type with other characters makes the metadata vanish without an error, as in Slack."""
    value = arguments.structure("metadata", "invalid_metadata_format")
    if value is None or value == {}:
        return None if value is None else {}
    metadata = as_object(value)
    payload = as_object(metadata.get("event_payload")) if metadata else None
    if metadata is None or payload is None or not as_text(metadata.get("event_type")):
        raise SlackError("invalid_metadata_format")
    if any(_depth(field) > 1 for field in payload.values()):
        raise SlackError("invalid_metadata_schema")
    if len(msgspec.json.encode(metadata)) > LARGEST_METADATA_BYTES:
        raise SlackError("metadata_too_large")
    if not EVENT_TYPE.fullmatch(as_text(metadata["event_type"])):
        return None
    return {"event_type": metadata["event_type"], "event_payload": payload}


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(field) for field in value.values()), default=0)
    if isinstance(value, list):
        return max((_depth(item) for item in value), default=0)
    return 0
