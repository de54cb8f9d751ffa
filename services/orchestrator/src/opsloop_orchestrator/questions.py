"""What a running handler may ask: numbers of its target, and what an earlier run found."""

from opsloop_common import codec
from opsloop_common.events import TaskState
from opsloop_orchestrator.frames import AskCourse, AskEarlier, AskValue, Question
from opsloop_orchestrator.projection import Projection
from opsloop_orchestrator.readings import Readings
from opsloop_orchestrator.steps import Steps

NUMBER_WITHIN_SECONDS = 5.0
COURSE_WITHIN_SECONDS = 15.0


class Questions:
    def __init__(self, readings: Readings, projection: Projection, steps: Steps) -> None:
        self._readings = readings
        self._projection = projection
        self._steps = steps

    async def answer(self, question: Question, task: TaskState) -> bytes | None:
        """The answer as JSON; None where there is none. Raises BusError when the records cannot be read."""
        match question:
            case AskValue(metric=metric):
                return codec.encode(await self._readings.one(metric, task.target, NUMBER_WITHIN_SECONDS))
            case AskCourse(metric=metric, seconds=seconds, step_seconds=step_seconds):
                course = self._readings.course(metric, task.target, seconds, step_seconds, COURSE_WITHIN_SECONDS)
                return codec.encode(await course)
            case AskEarlier(task=name, step=step):
                return await self._earlier(task.target, name, step)

    async def _earlier(self, target: str, name: str, step: str) -> bytes | None:
        rows = await self._projection.ended_rows(target)
        runs = [row for row in rows if row.task == name and row.status == "succeeded"]
        for row in sorted(runs, key=lambda row: row.sequence, reverse=True):
            kept = await self._steps.kept(row.id, row.attempt)
            if step in kept:
                return kept[step]
        return None
