"""Answers what ingress asks about forms while a person waits: open one, check one. Nothing of it is stored."""

import asyncio
import logging
from importlib.metadata import version

from opsloop_common import params, service
from opsloop_common.bus import Bus
from opsloop_common.catalogue import Catalogue
from opsloop_common.forms import FormCheck, FormChecked, FormOpen, FormOpened
from opsloop_common.service import QuestionSeries, endpoint
from opsloop_common.subjects import Subjects
from opsloop_notifier import form
from opsloop_notifier.gate import Gate
from opsloop_notifier.outcome import Locked, Malformed, Outcome, Sent
from opsloop_notifier.slack import Slack
from opsloop_notifier.style import Style

log = logging.getLogger(__name__)

OPEN_SECONDS = 1.4
"""A little less than ingress waits, so that it hears of it."""
LONGEST_SENTENCE = 300
NO_SUCH_FORM = "no_such_form"
EXCHANGED = frozenset({"exchanged_trigger_id", "trigger_exchanged"})


class Forms:
    """Open to any number of people at once: views.open has no lane, for a trigger is dead before its turn comes."""

    def __init__(self, *, slack: Slack, gate: Gate, catalogue: Catalogue, style: Style) -> None:
        self._slack = slack
        self._gate = gate
        self._catalogue = catalogue
        self._style = style

    async def run(self, bus: Bus, subjects: Subjects, series: QuestionSeries | None = None) -> None:
        """Answers until cancelled."""
        await service.serve(
            bus,
            name="modal",
            version=version("opsloop-notifier"),
            description="Opens the form of a task's parameters, and says what is wrong in one",
            endpoints=(
                endpoint("open", subjects.form("open"), FormOpen, self.open),
                endpoint("check", subjects.form("check"), FormCheck, self.check),
            ),
            series=series,
        )

    async def open(self, asked: FormOpen) -> FormOpened:
        """Opens the form, or says why not; the person is told to click again then."""
        task = self._catalogue.tasks.get(asked.task)
        if task is None or not task.params:
            return self._closed(asked, NO_SUCH_FORM)
        if self._gate.problem:
            return self._closed(asked, self._gate.problem)
        targets = self._catalogue.targets
        target = targets.get(asked.target) or targets.get(asked.target.lower())
        view = form.modal(asked, task, target, self._style)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return self._concluded(asked, await self._slack.open_view(asked.trigger_id, view))
        except TimeoutError:
            return self._closed(asked, "Slack did not answer in time")

    async def check(self, asked: FormCheck) -> FormChecked:
        """What is wrong, by parameter. A task that nobody knows (any more) is the orchestrator's to refuse."""
        task = self._catalogue.tasks.get(asked.task)
        found = params.problems(asked.params, task.params) if task else {}
        return FormChecked(errors={name: sentence[:LONGEST_SENTENCE] for name, sentence in found.items()})

    def _concluded(self, asked: FormOpen, outcome: Outcome) -> FormOpened:
        match outcome:
            case Sent():
                return FormOpened(opened=True)
            case Locked(error):
                self._gate.shut(error)
                return self._closed(asked, error)
            case Malformed(error, details):
                return self._closed(asked, f"{error}: {details}")
        error = getattr(outcome, "error", type(outcome).__name__)
        # A trigger opens one form, and nobody else has this one: the same click was asked about before.
        return FormOpened(opened=True) if error in EXCHANGED else self._closed(asked, error)

    def _closed(self, asked: FormOpen, error: str) -> FormOpened:
        log.warning("the form of %s was not opened: %s", asked.task, error)
        return FormOpened(opened=False, error=error)
