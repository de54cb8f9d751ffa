"""Numbers about a target in words: what they are, how old, and what a task did to them."""

from collections.abc import Sequence
from datetime import datetime

from opsloop_common.measures import Measure
from opsloop_common.quantities import amount
from opsloop_notifier import naming, words
from opsloop_notifier.message import Block, mrkdwn
from opsloop_notifier.style import Style

STALE_SECONDS = 300.0
"""A sample older than this says its age."""
_MOST = 10

_SIGNS = {"up": "▲", "down": "▼"}


def measure(found: Measure, at: datetime | None) -> str:
    """`$4,820.11`, `no data`, `unavailable`; a sample that was old at the moment `at` says when it was taken."""
    if found.state != "value":
        return "no data" if found.state == "no_data" else "unavailable"
    if found.at is not None and at is not None and (at - found.at).total_seconds() > STALE_SECONDS:
        return f"{amount(found.value, found.unit)} (sample of {words.moment(found.at)})"
    return amount(found.value, found.unit)


def change(before: Measure | None, after: Measure, at: datetime | None) -> str:
    """`$1,707.11 → $8,058.44 ▲ +$6,351.33`, as a card shows what a task did."""
    if before is not None and (direction := _direction(before, after)):
        sign, earlier = _SIGNS[direction], amount(before.value, before.unit)
        return (
            f"{earlier} → {measure(after, at)} {sign} {'+' if direction == 'up' else '-'}{_difference(before, after)}"
        )
    return _unchanged(before, after, at)


def told(before: Measure | None, after: Measure, at: datetime | None) -> str:
    """`$8,058.44, up $6,351.33 from $1,707.11`: the same in words."""
    if before is not None and (direction := _direction(before, after)):
        earlier = amount(before.value, before.unit)
        return f"{measure(after, at)}, {direction} {_difference(before, after)} from {earlier}"
    return _unchanged(before, after, at)


def fields(found: Sequence[Measure], at: datetime | None, style: Style) -> list[Block]:
    """Numbers side by side, two in a row; `at` is the moment they are to tell of."""
    return _fields([(one, measure(one, at)) for one in found], style)


def fields_at_start(found: Sequence[Measure], at: datetime | None, style: Style) -> list[Block]:
    """The numbers a task began with, while there are no others."""
    return _fields([(one, f"{measure(one, at)} at the start") for one in found if one.state == "value"], style)


def fields_of_change(before: Sequence[Measure], after: Sequence[Measure], at: datetime, style: Style) -> list[Block]:
    """What a task did to the numbers."""
    known = {one.metric: one for one in before}
    return _fields([(one, change(known.get(one.metric), one, at)) for one in after], style)


def sentences(before: Sequence[Measure], after: Sequence[Measure], at: datetime | None, style: Style) -> list[str]:
    """`ARR Gain (1h): $8,058.44, up … from ….` for each number that is there."""
    known = {one.metric: one for one in before}
    return [
        f"{style.pen.line(one.title, naming.LONGEST)}: {told(known.get(one.metric), one, at)}."
        for one in after[:_MOST]
        if one.state == "value"
    ]


def _fields(shown: Sequence[tuple[Measure, str]], style: Style) -> list[Block]:
    texts = [mrkdwn(f"*{style.pen.line(one.title, naming.LONGEST)}*\n{text}") for one, text in shown[:_MOST]]
    return [{"type": "section", "fields": texts}] if texts else []


def _unchanged(before: Measure | None, after: Measure, at: datetime | None) -> str:
    """There is nothing to compare, or both are the same."""
    shown = measure(after, at)
    if before is None or before.state != "value":
        return f"{shown} (no earlier sample)" if after.state == "value" else shown
    if after.state != "value":
        return f"{shown} (was {amount(before.value, before.unit)})"
    return f"{shown}, no newer sample yet" if _is_same_sample(before, after) else f"{shown}, no change"


def _direction(before: Measure, after: Measure) -> str:
    """`up`, `down`, or nothing where no difference is to be seen."""
    if before.state != "value" or after.state != "value" or _is_same_sample(before, after):
        return ""
    if amount(before.value, before.unit) == amount(after.value, after.unit):
        return ""
    return "up" if after.value > before.value else "down"


def _is_same_sample(before: Measure, after: Measure) -> bool:
    return before.at is not None and before.at == after.at


def _difference(before: Measure, after: Measure) -> str:
    # Of what is shown, so that the sum is right to the reader.
    return amount(abs(round(after.value, 2) - round(before.value, 2)), after.unit)
