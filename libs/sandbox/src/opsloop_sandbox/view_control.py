"""The control API for modals and homes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opsloop_sandbox.contract import ViewClickRequest, ViewCloseRequest, ViewSubmitRequest
from opsloop_sandbox.endpoint import Endpoint, for_neighbours, json_answer, read
from opsloop_sandbox.view_interactions import ViewInteractions
from opsloop_sandbox.views import Views


class ViewControl:
    def __init__(self, *, views: Views, interactions: ViewInteractions) -> None:
        self._views = views
        self._interactions = interactions

    def routes(self) -> list[Route]:
        routes: list[tuple[str, Endpoint, str]] = [
            ("/control/views", self.show, "GET"),
            ("/control/views/submit", self.submit, "POST"),
            ("/control/views/close", self.close, "POST"),
            ("/control/views/click", self.click, "POST"),
        ]
        return [Route(path, for_neighbours(endpoint), methods=[verb]) for path, endpoint, verb in routes]

    async def show(self, request: Request) -> Response:
        return json_answer(self._views.seen_by(request.query_params.get("user", "")))

    async def submit(self, request: Request) -> Response:
        return json_answer(await self._interactions.submit(await read(request, ViewSubmitRequest)))

    async def close(self, request: Request) -> Response:
        # A list, so that "nobody wanted to know" is an answer too.
        return json_answer([await self._interactions.close(await read(request, ViewCloseRequest))])

    async def click(self, request: Request) -> Response:
        return json_answer(await self._interactions.click(await read(request, ViewClickRequest)))
