"""No, and why, and what to do about it."""

from collections.abc import Callable

from opsloop_common.answers import RefusalReason, RefusedBody
from opsloop_common.events import Status
from opsloop_notifier import naming, verification
from opsloop_notifier.answers.gathered import Gathered
from opsloop_notifier.answers.said import Said
from opsloop_notifier.paragraphs import within
from opsloop_notifier.style import Style

_PROBLEM = 300
_PROBLEMS = 2000
_CONTACT = 200
_GIVEN = 80
_MOST_OWNERS = 5

_ENDED: dict[Status, str] = {
    "succeeded": "had already completed",
    "failed": "had already failed",
    "cancelled": "had already been cancelled",
    "unknown": "had already ended, with an unknown outcome",
}


def said(body: RefusedBody, gathered: Gathered, style: Style) -> Said:
    sentence = SENTENCES[body.reason](_Words(body, gathered, style))
    link = gathered.links.get(body.task_id, "")
    return Said.in_parts([f"{sentence} <{link}|Open its card>" if link else sentence])


class _Words:
    """The parts of a sentence that are text of others, made harmless."""

    def __init__(self, body: RefusedBody, gathered: Gathered, style: Style) -> None:
        self._body = body
        self._names = gathered.names
        self._style = style

    @property
    def command(self) -> str:
        return self._line(self._body.command)

    @property
    def subject(self) -> str:
        if self._body.task and self._body.target:
            return naming.subject(self._body.task, self._body.target, self._style)
        return "This task"

    @property
    def task(self) -> str:
        return f"*{self._line(self._body.task)}*" if self._body.task else "This task"

    @property
    def given(self) -> str:
        return self._style.pen.line(self._body.given, _GIVEN)

    @property
    def end(self) -> str:
        return _ENDED.get(self._body.status or "queued", "had already ended")

    @property
    def whom(self) -> str:
        """Whom to ask: completes "Ask …"."""
        contact = self._style.pen.line(self._body.contact, _CONTACT).rstrip(". ")
        return contact or self.owners or "whoever keeps the catalogue of tasks"

    @property
    def owners(self) -> str:
        """The owners whose names are known."""
        known = [self._names[user] for user in self._body.owners if self._names.get(user)]
        return " or ".join(self._line(name) for name in known[:_MOST_OWNERS])

    @property
    def identity(self) -> str:
        return verification.explained(self._body.identity, self.whom)

    @property
    def problems(self) -> str:
        lines = [
            f"• `{self._line(one.param)}`: {self._style.pen.line(one.sentence, _PROBLEM)}"
            for one in self._body.problems
        ]
        return within(lines, _PROBLEMS)

    def _line(self, text: str) -> str:
        return self._style.pen.line(text, naming.LONGEST)


def _bad_params(about: _Words) -> str:
    problems = f" What was entered will not do:\n{about.problems}\n" if about.problems else " "
    return f"{about.subject} was not started.{problems}Run it again with that mended."


def _not_yours(about: _Words) -> str:
    owner = f"an owner ({about.owners})" if about.owners else "an owner"
    return f"Only whoever started {about.subject}, or {owner}, may retry or cancel it. Ask {about.whom}."


SENTENCES: dict[RefusalReason, Callable[[_Words], str]] = {
    "too_late": lambda _: "This request waited too long and was not run. Click again.",
    "button_outdated": lambda _: "This button belongs to an earlier state. Use the buttons on the newest card.",
    "button_unknown": lambda about: (
        f"This button is not known here. Type `{about.command} help` and start again from there."
    ),
    "no_form": lambda _: "The form could not be opened in time. Click again.",
    "bad_params": _bad_params,
    "already_running": lambda about: (
        f"{about.subject} is already queued or running. Follow that one; it was not started a second time."
    ),
    "queue_full": lambda about: (
        f"{about.subject} was not started: too many tasks already wait there. Try again when some have finished."
    ),
    "not_permitted": lambda about: f"You may not run {about.task}. Ask {about.whom}.",
    "not_verified": lambda about: f"{about.task} is for verified people only. {about.identity}",
    "no_identity": lambda about: f"Nobody could tell now whether you may run {about.task}. {about.identity}",
    "not_yours": _not_yours,
    "not_failed": lambda _: "There is nothing to retry: this task has not failed, or somebody has already retried it.",
    "cancel_too_late": lambda about: f"{about.subject} {about.end}: there was nothing left to cancel.",
    "no_such_task": lambda about: (
        f"There is no task with the id `{about.given}`. Type `{about.command} tasks` to see the ids of all."
        if about.given
        else f"Which task? Type `{about.command} task &lt;id&gt;`; `{about.command} tasks` shows the ids."
    ),
}
"""Every reason's sentence."""
