"""Answers to requests: the status card for everyone, and what is said to one person alone.

Each kind of answer has a module; all of them are pure.
"""

from opsloop_common.answers import AnswerState
from opsloop_common.events import TaskState
from opsloop_notifier.answers.alone import notice, private
from opsloop_notifier.answers.gathered import Gathered
from opsloop_notifier.answers.logs import LINES as LOG_LINES
from opsloop_notifier.answers.target_card import status_card

__all__ = ["LOG_LINES", "Gathered", "asker", "notice", "private", "status_card"]


def asker(state: TaskState | AnswerState) -> str:
    """The user who is told privately."""
    if isinstance(state, AnswerState):
        return state.to.user
    return (state.requested_by if state.tried_by.is_operator else state.tried_by).user
