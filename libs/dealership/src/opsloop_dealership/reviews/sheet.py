"""Rows as a CSV file that a spreadsheet opens without taking any text for a formula. Pure."""

import csv
import io
from collections.abc import Iterable

import msgspec

MAX_BYTES = 224 * 1024
"""As part of a step's result, in JSON; the rest of its 256 KiB is for what stands beside the file."""
# OWASP, "CSV Injection"; the full-width forms are taken for their ASCII ones by some spreadsheets.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The first `kept` of `rows` rows; a file that is cut says so in its last line."""

    csv: str
    rows: int
    kept: int


def sheet(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Sheet:
    lines = [_line(header)]
    size_bytes = _size(lines[0])
    count = kept = 0
    for count, row in enumerate(rows, 1):
        line = _line(row)
        size_bytes += _size(line)
        if size_bytes <= MAX_BYTES:
            lines.append(line)
            kept = count
    if kept < count:
        lines.append(_line(("note", f"cut: these are the first {kept} of {count} rows")))
    return Sheet(csv="".join(lines), rows=count, kept=kept)


def neutral(cell: str) -> str:
    """The cell as plain text in one line: what would begin a formula is quoted with an apostrophe."""
    text = " ".join(cell.split())
    return f"'{text}" if text.startswith(FORMULA) else text


def _line(cells: tuple[str, ...]) -> str:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(neutral(cell) for cell in cells)
    return written.getvalue()


def _size(line: str) -> int:
    return len(msgspec.json.encode(line)) - 2
