"""Answers where a task is shown: the link to its message. Whoever asks can do without."""

from importlib.metadata import version

from opsloop_common import service
from opsloop_common.bus import Bus
from opsloop_common.people import ThreadLink, ThreadQuery
from opsloop_common.service import BadRequest, QuestionSeries, endpoint
from opsloop_common.subjects import Subjects, is_id
from opsloop_notifier.privately import Links


async def run(bus: Bus, subjects: Subjects, links: Links, series: QuestionSeries | None = None) -> None:
    """Answers until cancelled."""

    async def answer(asked: ThreadQuery) -> ThreadLink:
        if not is_id(asked.task_id):
            raise BadRequest("task_id is not the id of a task")
        return ThreadLink(url=await links.to(asked.task_id) or "")

    await service.serve(
        bus,
        name="thread",
        version=version("opsloop-notifier"),
        description="Where a task is shown",
        endpoints=(endpoint("thread", subjects.thread_link, ThreadQuery, answer),),
        series=series,
    )
