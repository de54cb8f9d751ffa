"""Calls to an API that is not what it should be."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from broker import free_port
from opsloop_ingress.identity import clerk
from opsloop_ingress.identity.api import LARGEST_ANSWER_BYTES, Api, Caller
from opsloop_ingress.identity.outcome import NoAnswer

KEY = "sk_test_secret_of_the_test"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def calling(handler: Handler) -> AsyncIterator[Caller]:
    """A caller of a server that answers everything so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        api = Api(url=str(server.make_url("/v1/")), key=KEY)
        yield Caller(session, api, "Clerk", headers=clerk.HEADERS, deadline_seconds=1.0)


async def test_what_is_sent() -> None:
    """The key, the API's version, and the address with its plus."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(body=b"[]", headers={"X-OAuth-Scopes": "users:read"})

    async with calling(answer) as caller:
        answered = await caller.get("users", {"email_address": "a+b@x.example"})
    assert (answered.status, answered.body, answered.scopes) == (200, b"[]", "users:read")
    (request,) = seen
    assert request.raw_path == "/v1/users?email_address=a%2Bb@x.example"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Clerk-API-Version"] == "2025-11-10"


async def test_an_answer_without_end_is_left() -> None:
    """It is not read further than it may be long."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                await response.write(b" " * LARGEST_ANSWER_BYTES)
        return response

    async with calling(answer) as caller:
        with pytest.raises(NoAnswer, match="more than"):
            await caller.get("users", {})


async def test_nobody_leads_the_key_elsewhere() -> None:
    """A redirection is not followed."""
    calls: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with calling(answer) as caller:
        assert (await caller.get("users", {})).status == 302
    assert calls == ["/v1/users"]


async def test_nobody_there() -> None:
    """The reason names neither the address nor a password in it."""
    async with aiohttp.ClientSession() as session:
        api = Api(url=f"http://me:password@127.0.0.1:{free_port()}/v1", key=KEY)
        with pytest.raises(NoAnswer, match="Clerk cannot be reached") as caught:
            await Caller(session, api, "Clerk").get("users", {})
    assert "password" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
