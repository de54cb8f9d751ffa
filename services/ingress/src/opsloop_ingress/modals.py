"""Asks a notifier about forms, while Slack waits for its answer: nothing of it is stored."""

from typing import Literal, TypeVar

import msgspec

from opsloop_common import service
from opsloop_common.bus import Bus
from opsloop_common.forms import FormCheck, FormChecked, FormOpen, FormOpened
from opsloop_common.service import Unanswered
from opsloop_common.subjects import Subjects
from opsloop_ingress.counters import Counters

A = TypeVar("A", bound=msgspec.Struct)

OPEN_SECONDS = 1.5
CHECK_SECONDS = 0.8


class Modals:
    """`bus` is set when there is a broker. Every question ends within its deadline, whatever happens."""

    def __init__(self, subjects: Subjects, counters: Counters) -> None:
        self.bus: Bus | None = None
        self._subjects = subjects
        self._counters = counters

    async def open(self, form: FormOpen) -> bool:
        """Whether the person has the form before them now."""
        answer = await self._ask("open", form, FormOpened, OPEN_SECONDS)
        self._count("open", "no_answer" if answer is None else "opened" if answer.opened else "refused")
        return answer is not None and answer.opened

    async def check(self, task: str, params: dict[str, str]) -> dict[str, str]:
        """What to tell at each field. Nothing without an answer: the values are checked once more before they count."""
        answer = await self._ask("check", FormCheck(task=task, params=params), FormChecked, CHECK_SECONDS)
        # Slack shows what stands at a field that the form has, and calls anything else an error of ours.
        errors = {name: text for name, text in (answer.errors if answer else {}).items() if name in params and text}
        self._count("check", "no_answer" if answer is None else "mistakes" if errors else "fine")
        return errors

    async def _ask(
        self, step: Literal["open", "check"], question: msgspec.Struct, answer_type: type[A], deadline_seconds: float
    ) -> A | None:
        if self.bus is None or not self.bus.is_connected:
            return None
        try:
            return await service.request(self.bus, self._subjects.form(step), question, answer_type, deadline_seconds)
        except Unanswered:
            return None

    def _count(self, step: str, outcome: str) -> None:
        self._counters.forms.labels(step, outcome).inc()
