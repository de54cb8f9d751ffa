"""The sandbox's application: puts state, endpoints and routes together."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from opsloop_sandbox import page_files
from opsloop_sandbox.backstage import App, Backstage
from opsloop_sandbox.calls import CallLog
from opsloop_sandbox.changes import Changes
from opsloop_sandbox.clerk import Clerk
from opsloop_sandbox.clerk_users import ClerkUsers
from opsloop_sandbox.control import Control
from opsloop_sandbox.delivery import Courier
from opsloop_sandbox.effects import Effects
from opsloop_sandbox.endpoint import Network, refused
from opsloop_sandbox.faults import Faults
from opsloop_sandbox.interactions import Interactions
from opsloop_sandbox.limits import RateLimits
from opsloop_sandbox.live import Live
from opsloop_sandbox.onlooker import Onlooker
from opsloop_sandbox.prometheus import Prometheus
from opsloop_sandbox.refusal import ControlRefusal
from opsloop_sandbox.response_urls import ResponseUrls
from opsloop_sandbox.sites import Sites
from opsloop_sandbox.socket_mode import SocketMode
from opsloop_sandbox.sockets import Sockets
from opsloop_sandbox.supervisor import Supervisor
from opsloop_sandbox.triggers import Triggers
from opsloop_sandbox.view_control import ViewControl
from opsloop_sandbox.view_interactions import ViewInteractions
from opsloop_sandbox.views import Views
from opsloop_sandbox.web_api import WebApi
from opsloop_sandbox.workspace import Workspace


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the sandbox needs to know. `base_url` is its own address, `app_url` that of the app it plays Slack for.

    `app_token` opens Socket Mode, `clerk_key` the identity provider; empty: it is off.
    Only to look behind the scenes: `nats_url` (empty: do not look) and `supervisor`, the socket of whoever started us.
    """

    base_url: str
    app_url: str
    directory: Path
    signing_secret: str
    bot_token: str
    content_token: str
    rate_limits: bool
    nats_url: str = ""
    supervisor: Path | None = None
    app: App = App()
    app_token: str = ""
    clerk_key: str = ""
    neighbours: tuple[Network, ...] = ()
    """Whose callers may use the control API beside this machine's own."""


def build_app(options: Options, session: aiohttp.ClientSession) -> Starlette:
    """The application; the session must be open and is not closed by it."""
    directory, started = options.directory, f"{time.time():.6f}"
    changes, triggers, faults = Changes(), Triggers(), Faults()
    limits = RateLimits(enabled=options.rate_limits)
    workspace = Workspace(directory / "workspace.jsonl", changes)
    calls = CallLog(directory / "calls.jsonl", changes)
    views = Views(journal_path=directory / "views.jsonl", triggers=triggers, changes=changes)
    response_urls = ResponseUrls(
        journal_path=directory / "response_urls.jsonl", workspace=workspace, calls=calls, faults=faults
    )
    sites = Sites(
        journal_path=directory / "sites.jsonl",
        base_url=options.base_url,
        content_token=options.content_token,
        faults=faults,
        changes=changes,
    )
    effects = Effects(directory / "effects.jsonl", faults)
    clerk_users = ClerkUsers(directory / "clerk.jsonl")
    sockets = Sockets()
    courier = Courier(
        app_url=options.app_url,
        signing_secret=options.signing_secret,
        calls=calls,
        session=session,
        sockets=sockets,
    )
    socket_mode = SocketMode(
        app_token=options.app_token, base_url=options.base_url, sockets=sockets, calls=calls, faults=faults
    )
    interactions = Interactions(
        workspace=workspace,
        response_urls=response_urls,
        courier=courier,
        triggers=triggers,
        base_url=options.base_url,
    )
    control = Control(
        workspace=workspace, interactions=interactions, calls=calls, faults=faults, limits=limits, sites=sites
    )
    in_views = ViewInteractions(workspace=workspace, views=views, courier=courier, triggers=triggers)
    onlooker = Onlooker(options.nats_url, changes)
    backstage = Backstage(
        app=options.app,
        started=started,
        calls=calls,
        limits=limits,
        sites=sites,
        live=Live(workspace=workspace, changes=changes, started=started),
        onlooker=onlooker,
        supervisor=Supervisor(options.supervisor),
    )
    web_api = WebApi(
        workspace=workspace, views=views, calls=calls, limits=limits, faults=faults, bot_token=options.bot_token
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with onlooker.looking():
            yield
        for state in (workspace, calls, response_urls, sites, effects, views, clerk_users):
            state.close()

    routes = [
        *page_files.routes(),
        Route("/healthz", _healthy, methods=["GET"]),
        *socket_mode.routes(),
        Route("/api/{method}", web_api.endpoint, methods=["GET", "POST"]),
        Route("/response/{token}", response_urls.endpoint, methods=["POST"]),
        *sites.routes(),
        *effects.routes(),
        *Prometheus(sites).routes(),
        *Clerk(users=clerk_users, secret_key=options.clerk_key, faults=faults).routes(),
        *control.routes(),
        *ViewControl(views=views, interactions=in_views).routes(),
        *backstage.routes(),
    ]
    app = Starlette(routes=routes, exception_handlers={ControlRefusal: refused}, lifespan=lifespan)
    app.state.neighbours = options.neighbours
    return app


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("ok")
