"""The sandbox's application: puts state, endpoints and routes together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from opsloop_sandbox.calls import CallLog
from opsloop_sandbox.control import Control, refused
from opsloop_sandbox.delivery import Courier
from opsloop_sandbox.faults import Faults
from opsloop_sandbox.interactions import Interactions
from opsloop_sandbox.limits import RateLimits
from opsloop_sandbox.refusal import ControlRefusal
from opsloop_sandbox.response_urls import ResponseUrls
from opsloop_sandbox.sites import Sites
from opsloop_sandbox.web_api import WebApi
from opsloop_sandbox.workspace import Workspace


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the sandbox needs to know. `base_url` is its own address, `app_url` that of the app it plays Slack for."""

    base_url: str
    app_url: str
    directory: Path
    signing_secret: str
    bot_token: str
    content_token: str
    rate_limits: bool


def build_app(options: Options, session: aiohttp.ClientSession) -> Starlette:
    """The application; the session must be open and is not closed by it."""
    faults = Faults()
    limits = RateLimits(enabled=options.rate_limits)
    workspace = Workspace(options.directory / "workspace.jsonl")
    calls = CallLog(options.directory / "calls.jsonl")
    response_urls = ResponseUrls(
        journal_path=options.directory / "response_urls.jsonl", workspace=workspace, calls=calls, faults=faults
    )
    sites = Sites(
        journal_path=options.directory / "sites.jsonl",
        base_url=options.base_url,
        content_token=options.content_token,
        faults=faults,
    )
    courier = Courier(app_url=options.app_url, signing_secret=options.signing_secret, calls=calls, session=session)
    interactions = Interactions(
        workspace=workspace, response_urls=response_urls, courier=courier, base_url=options.base_url
    )
    control = Control(
        workspace=workspace, interactions=interactions, calls=calls, faults=faults, limits=limits, sites=sites
    )
    web_api = WebApi(workspace=workspace, calls=calls, limits=limits, faults=faults, bot_token=options.bot_token)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        for journal in (workspace, calls, response_urls, sites):
            journal.close()

    routes = [
        Route("/healthz", _healthy, methods=["GET"]),
        Route("/api/{method}", web_api.endpoint, methods=["GET", "POST"]),
        Route("/response/{token}", response_urls.endpoint, methods=["POST"]),
        *sites.routes(),
        *control.routes(),
    ]
    return Starlette(routes=routes, exception_handlers={ControlRefusal: refused}, lifespan=lifespan)


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("ok")
