"""The content of an answer before it is marked."""

from collections.abc import Sequence

import msgspec

from opsloop_notifier.message import SECTION_LIMIT, TEXT_LIMIT, Block, section
from opsloop_notifier.paragraphs import sections, within


class Said(msgspec.Struct, frozen=True):
    """`text` is what notifications and screen readers get."""

    text: str
    blocks: list[Block]

    @classmethod
    def in_parts(cls, parts: Sequence[str]) -> "Said":
        """One section a part."""
        return cls(within(parts, TEXT_LIMIT), [section(within([part], SECTION_LIMIT)) for part in parts])

    @classmethod
    def in_lines(cls, *paragraphs: Sequence[str]) -> "Said":
        """Each paragraph in as many sections as it needs."""
        lines = [line for paragraph in paragraphs for line in paragraph]
        return cls(within(lines, TEXT_LIMIT), [block for paragraph in paragraphs for block in sections(paragraph)])
