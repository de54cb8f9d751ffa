"""Numbers and durations as people read them, the same in a message and on a page."""

import math

from opsloop_common.measures import Unit

_HUGE = 1e15


def amount(number: float, unit: Unit) -> str:
    """`$4,820.11`, `-$3.00`, `0.93`, `1,234,567`. What is not finite is no number: `–`."""
    if not math.isfinite(number):
        return "–"
    if abs(number) >= _HUGE:
        return f"{number:.3g}"
    # "z": what is rounded to nothing has no sign.
    match unit:
        case "usd":
            return f"{'-' if round(number, 2) < 0 else ''}${abs(number):,.2f}"
        case "ratio":
            return f"{number:z.2f}"
        case "number":
            return f"{number:z,.2f}".rstrip("0").rstrip(".")


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
