"""The forms in which Slack writes its ids and times. What is written otherwise is refused, though signed. Pure."""

import re

from opsloop_ingress.refusal import Refused

TIMESTAMP = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
TRIGGER = re.compile(r"[!-~]{1,200}")
COMMAND = re.compile(r"/\S{1,63}")
EVENT_ID = re.compile(r"[A-Za-z0-9]{1,64}")

_ID = re.compile(r"[A-Z0-9]{1,32}")


def slack_id(text: str) -> str:
    """The id of a workspace, channel, person or view. Raises Refused."""
    return matching(_ID, text)


def matching(pattern: re.Pattern[str], text: str) -> str:
    """The text, if all of it has this form. Raises Refused."""
    if pattern.fullmatch(text) is None:
        raise Refused("shape")
    return text
