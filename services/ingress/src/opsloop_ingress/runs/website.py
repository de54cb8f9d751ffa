"""The pages of runs over HTTP: GET only, each behind its signed link.

    /runs/<id>              the page
    /runs/<id>/live         server-sent events while it runs
    /runs/<id>/log.txt      the whole log
    /runs/<id>/files/<n>    a file of its result
    /runs/assets/…          style and script

A link that is forged, old or of another run says so and shows nothing; so does a run that is no longer kept.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from opsloop_common import run_links
from opsloop_common.bus import Bus, BusError
from opsloop_common.redact import Redactor
from opsloop_common.subjects import Subjects
from opsloop_common.task import ResultFile
from opsloop_ingress.runs import live, page
from opsloop_ingress.runs.names import Names
from opsloop_ingress.runs.reading import RunReader, files_of
from opsloop_ingress.runs.run import Event, RunShown, shown

log = logging.getLogger(__name__)

Answer = Callable[[Request, RunReader, list[Event]], Awaitable[Response]]

MOST_FOLLOWERS = 200
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_TYPES = {"run.css": "text/css; charset=utf-8", "run.js": "text/javascript; charset=utf-8"}
_REFUSALS = {
    "forged": (403, "This link is not valid", "Open the run from its message in Slack: View Logs."),
    "old": (410, "This link has expired", "Open the run from its message in Slack: View Logs makes a new link."),
    "gone": (404, "This run is no longer kept", "Runs are kept for thirty days, their logs for fourteen."),
    "away": (503, "Not now", "The runs cannot be read at the moment. Try again in a few seconds."),
    "busy": (503, "Too many followers", "Too many pages follow runs at the moment: reload this one to see it move."),
}


class RunSite:
    """`bus` is set when there is a broker. `secrets` sign the links."""

    def __init__(self, *, subjects: Subjects, secrets: tuple[str, ...], redact: Redactor, names: Names) -> None:
        self.bus: Bus | None = None
        self._subjects = subjects
        self._secrets = secrets
        self._redact = redact
        self.names = names
        self._followers = 0

    def routes(self) -> list[BaseRoute]:
        answers = {"": self._page, "/live": self._live, "/log.txt": self._log, "/files/{number:int}": self._file}
        runs = [Route(f"/runs/{{id}}{path}", partial(self._guarded, answer)) for path, answer in answers.items()]
        return [Route("/runs/assets/{name}", self._asset), *runs]

    async def _guarded(self, answer: Answer, request: Request) -> Response:
        """The answer to whoever has a link that admits."""
        id, query = request.path_params["id"], request.query_params
        admits = run_links.check(self._secrets, id, query.get("until", ""), query.get("sig", ""), datetime.now(UTC))
        if admits:
            return _refuse(admits)
        if self.bus is None:
            return _refuse("away")
        reader = RunReader(self.bus, self._subjects, self._redact)
        try:
            events = await reader.events(id)
            return await answer(request, reader, events) if events else _refuse("gone")
        except BusError as error:
            log.warning("a run cannot be shown: %s", error)
            return _refuse("away")

    async def _page(self, request: Request, reader: RunReader, events: list[Event]) -> Response:
        run = await self._shown(request, events)
        lines = await reader.lines(run.id)
        return _html(200, page.page(run, lines, self._query(request, run.id)))

    async def _live(self, request: Request, reader: RunReader, events: list[Event]) -> Response:
        if self._followers >= MOST_FOLLOWERS or self.bus is None:
            return _refuse("busy")
        after = request.query_params.get("after", "0")
        known = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0

        async def draw(events: list[Event]) -> str:
            return page.state(await self._shown(request, events))

        stream = live.follow(self.bus, self._subjects, reader, events[-1].state.id, known, draw)
        return StreamingResponse(self._counted(stream), media_type="text/event-stream", headers=_HEADERS)

    async def _counted(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self._followers += 1
        try:
            async for chunk in stream:
                yield chunk
        finally:
            self._followers -= 1

    async def _log(self, request: Request, reader: RunReader, events: list[Event]) -> Response:
        lines = await reader.lines(events[-1].state.id)
        text = "".join(f"{line.text}\n" for line in lines)
        return Response(text, media_type="text/plain; charset=utf-8", headers=_HEADERS)

    async def _file(self, request: Request, reader: RunReader, events: list[Event]) -> Response:
        task, number = events[-1].state, request.path_params["number"]
        files = files_of(task)
        text = await reader.file(task, files[number]) if number < len(files) else None
        if text is None:
            return _refuse("gone")
        disposition = f"attachment; filename*=UTF-8''{quote(files[number].name, safe='')}"
        headers = {**_HEADERS, "Content-Disposition": disposition}
        # As bytes to keep, never as a page: whatever the file says of itself.
        return Response(text.encode("utf-8", "replace"), media_type="application/octet-stream", headers=headers)

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _TYPES:
            return _refuse("gone")
        return Response(page.asset(name), media_type=_TYPES[name], headers={**_HEADERS, "Cache-Control": "max-age=300"})

    async def _shown(self, request: Request, events: list[Event]) -> RunShown:
        task = events[-1].state
        await self.names.meet((task.requested_by, task.tried_by))
        return shown(events, self.names.of, self._address, self._files(request, task.id, files_of(task)))

    def _files(self, request: Request, id: str, files: Sequence[ResultFile]) -> list[tuple[str, str]]:
        query = self._query(request, id)
        return [(one.name, f"/runs/{id}/files/{number}?{query}") for number, one in enumerate(files)]

    def _query(self, request: Request, id: str) -> str:
        return run_links.query(self._secrets, id, int(request.query_params["until"]))

    def _address(self, id: str) -> str:
        until = int(time.time() + run_links.GOOD_FOR.total_seconds())
        return f"/runs/{id}?{run_links.query(self._secrets, id, until - until % 86_400)}"


def _refuse(why: str) -> Response:
    status, title, sentence = _REFUSALS[why]
    return _html(status, page.refusal(title, sentence))


def _html(status: int, text: str) -> Response:
    return Response(text.encode("utf-8", "replace"), status, {**_HEADERS}, "text/html; charset=utf-8")
