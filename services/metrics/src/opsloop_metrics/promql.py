"""Queries as text: a template of the catalogue with a target in it. Pure.

A target comes from a person. It stands in a query as a quoted string and nowhere else.
"""

TARGET = "$target"
LONGEST_TARGET = 200

PART = "opsloop_part"
"""The label that tells the value from its time in the answer to a timed query."""


class BadTarget(ValueError):
    """No label has this value; the sentence says why."""


def filled(template: str, target: str) -> str:
    """The template with the target in it, quoted. Raises BadTarget."""
    return template.replace(TARGET, quoted(_checked(target)))


def quoted(text: str) -> str:
    """A PromQL string of exactly this text. Anything but a quote, a backslash and a line's end stands for itself."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def timed(query: str) -> str:
    """A query for the value and for the time of its sample, which an instant query alone does not tell.

    The time is the sample's where the query is a single selector, and that of the evaluation where it calculates.
    """
    return f"{_labelled(query, 'value')} or {_labelled(f'timestamp({query})', 'at')}"


def _labelled(query: str, part: str) -> str:
    return f'label_replace({query}, "{PART}", "{part}", "", "")'


def _checked(target: str) -> str:
    if not target:
        # dealer="" would match every series without that label.
        raise BadTarget("the target is empty")
    if len(target) > LONGEST_TARGET:
        raise BadTarget(f"the target is longer than {LONGEST_TARGET} characters")
    try:
        target.encode()
    except UnicodeEncodeError as error:
        raise BadTarget("the target is not Unicode text") from error
    return target
