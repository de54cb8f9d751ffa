"""The words of the slash command. Pure: a new word is added here, and in the catalogue's RESERVED_WORDS.

status [target]                        run [task [target [name=value …]]]
tasks [target]                         <word of a metric> [target]
task <id>                              anything else is answered with help
"""

import re

from opsloop_common.commands import (
    AnyCommand,
    RunTask,
    ShowHelp,
    ShowMetric,
    ShowStatus,
    ShowTargets,
    ShowTask,
    ShowTasks,
)
from opsloop_common.params import LONGEST_VALUE
from opsloop_ingress.asked import Request
from opsloop_ingress.rules import Rules

LONGEST_WORD = 100
LONGEST_TARGET = 200
MOST_PARAMS = 20

_PARAM = re.compile(r"([A-Za-z0-9_-]{1,64})=(.*)")


def command(text: str, request: Request, rules: Rules) -> AnyCommand:
    """What the words ask; what is missing or unknown in them is told by whoever answers."""
    verb, rest = _first_word(text)
    target = rest[:LONGEST_TARGET]
    match verb.lower():
        case "status":
            return ShowStatus(target=target, **request) if target else ShowTargets(**request)
        case "run":
            return _run(rest, request)
        case "tasks":
            return ShowTasks(target=target, **request)
        case "task":
            return ShowTask(task_id=rest[:LONGEST_WORD], **request) if rest else ShowTasks(**request)
        case "" | "help":
            return ShowHelp(**request)
        case word if word in rules.metric_words:
            return ShowMetric(metric=rules.metric_words[word], target=target, **request)
    return ShowHelp(unknown_word=verb[:LONGEST_WORD], **request)


def _run(text: str, request: Request) -> RunTask:
    task, rest = _first_word(text)
    target, params = _params(rest)
    return RunTask(task=task[:LONGEST_WORD], target=target[:LONGEST_TARGET], params=params, **request)


def _params(text: str) -> tuple[str, dict[str, str]]:
    """The text before the values at its end, and these; of two for one name the later counts."""
    found: dict[str, str] = {}
    for _ in range(MOST_PARAMS):
        *before, last = text.rsplit(maxsplit=1) or [""]
        value = _PARAM.fullmatch(last)
        if value is None:
            break
        # One character more than may be, so that it is still told that the value is too long.
        found.setdefault(value[1], value[2][: LONGEST_VALUE + 1])
        text = before[0] if before else ""
    return text.rstrip(), dict(reversed(found.items()))


def _first_word(text: str) -> tuple[str, str]:
    first, *rest = text.split(maxsplit=1) or [""]
    return first, rest[0].rstrip() if rest else ""
