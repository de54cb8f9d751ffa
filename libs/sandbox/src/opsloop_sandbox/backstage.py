"""The control API for the page alone: its stream, what it shows behind the scenes, and the operator's corner."""

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opsloop_sandbox.calls import CallLog
from opsloop_sandbox.endpoint import Endpoint, for_neighbours, json_answer, read
from opsloop_sandbox.limits import RateLimits
from opsloop_sandbox.live import Live
from opsloop_sandbox.onlooker import Onlooker
from opsloop_sandbox.page_contract import PageInfo, ServiceRequest, ServicesView
from opsloop_sandbox.records import TEAM_DOMAIN
from opsloop_sandbox.refusal import ControlRefusal, not_found
from opsloop_sandbox.sites import Sites
from opsloop_sandbox.supervisor import Supervisor, SupervisorError


class App(msgspec.Struct, frozen=True):
    """What people can ask of the app we play Slack for: its command, and the tasks it can run."""

    command: str = "/dealershipai"
    tasks: tuple[str, ...] = ("schema_fix",)


class Backstage:
    def __init__(
        self,
        *,
        app: App,
        started: str,
        calls: CallLog,
        limits: RateLimits,
        sites: Sites,
        live: Live,
        onlooker: Onlooker,
        supervisor: Supervisor,
    ) -> None:
        self._app = app
        self._started = started
        self._calls = calls
        self._limits = limits
        self._sites = sites
        self._live = live
        self._onlooker = onlooker
        self._supervisor = supervisor

    def routes(self) -> list[Route]:
        routes: list[tuple[str, Endpoint, str]] = [
            ("/control/page", self.info, "GET"),
            ("/control/stream", self._live.endpoint, "GET"),
            ("/control/recent", self.recent_calls, "GET"),
            ("/control/limits", self.limits, "GET"),
            ("/control/answers/{number:int}", self.answer, "GET"),
            ("/control/services", self.services, "GET"),
            ("/control/services", self.act, "POST"),
        ]
        return [Route(path, for_neighbours(endpoint), methods=[verb]) for path, endpoint, verb in routes]

    async def info(self, request: Request) -> Response:
        info = PageInfo(
            command=self._app.command,
            tasks=list(self._app.tasks),
            dealers=self._sites.names,
            domain=TEAM_DOMAIN,
            bus=self._onlooker.state,
            passed=self._onlooker.passed,
            started=self._started,
        )
        return json_answer(info)

    async def recent_calls(self, request: Request) -> Response:
        """The newest calls, oldest first: what the page begins with."""
        return json_answer(self._calls.after(self._calls.last - 100))

    async def limits(self, request: Request) -> Response:
        return json_answer(self._limits.left(time.monotonic()))

    async def answer(self, request: Request) -> Response:
        found = self._calls.answer_to(request.path_params["number"])
        if found is None:
            raise not_found("answer_not_kept", "answers are kept for the newest calls since the start")
        return json_answer(found)

    async def services(self, request: Request) -> Response:
        try:
            return json_answer(ServicesView(services=await self._supervisor.services()))
        except SupervisorError as error:
            return json_answer(ServicesView(problem=str(error)))

    async def act(self, request: Request) -> Response:
        wanted = await read(request, ServiceRequest)
        try:
            await self._supervisor.act(wanted)
        except SupervisorError as error:
            raise ControlRefusal(409, "service_refused", str(error)) from error
        return await self.services(request)
