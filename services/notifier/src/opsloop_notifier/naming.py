"""What tasks, targets and people are called in a sentence: text of others, made harmless and cut to size."""

from collections.abc import Mapping

from opsloop_common.people import Person
from opsloop_notifier.style import Style

LONGEST = 80
_LONGEST_PERSON = 60


def subject(task: str, target: str, style: Style, limit: int = LONGEST) -> str:
    """`*schema_fix* for *naples-honda*`; without a target the task alone."""
    named = f"*{style.pen.line(task, limit)}*"
    return f"{named} for *{style.pen.line(target, limit)}*" if target else named


def plain_subject(task: str, target: str, style: Style) -> str:
    """`schema_fix for naples-honda`."""
    return f"{style.pen.line(task, LONGEST)} for {style.pen.line(target, LONGEST)}"


def person(who: Person | None, names: Mapping[str, str], style: Style) -> str:
    """What somebody is called, without calling them; "" for nobody, and for whoever is not known by name."""
    if who is None:
        return ""
    return style.pen.line(who.user if who.is_operator else names.get(who.user, ""), _LONGEST_PERSON)


def by(who: Person | None, names: Mapping[str, str], style: Style) -> str:
    """` by Bob`, or nothing."""
    name = person(who, names, style)
    return f" by {name}" if name else ""
