"""A server in Prometheus' place that answers as it is told: for what a real one seldom does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

HUGE_CHUNK = b" " * 1_000_000
HUGE_CHUNKS = 100


class ScriptedPrometheus:
    """`answer` may be replaced at any time; `asked` holds the forms and headers of the requests."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Answer = body(200, b"")
        self.asked: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.chunks_sent = 0
        self.let_go = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        self.asked.append({name: str(value) for name, value in form.items()})
        self.headers.append({name: str(value) for name, value in request.headers.items()})
        return await self.answer(request)

    async def hang(self, request: web.Request) -> web.StreamResponse:
        await self.let_go.wait()
        return web.Response(status=503)

    async def huge(self, request: web.Request) -> web.StreamResponse:
        """A hundred megabytes, as far as somebody reads them."""
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(HUGE_CHUNKS):
            await response.write(HUGE_CHUNK)
            self.chunks_sent += 1
        return response

    async def drip(self, request: web.Request) -> web.StreamResponse:
        """Begins a good answer and never ends it."""
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"status":"success",')
        await self.let_go.wait()
        return response

    async def reset(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


def body(status: int, content: bytes, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=content, headers=headers)

    return answer


@contextlib.asynccontextmanager
async def scripted_prometheus() -> AsyncIterator[ScriptedPrometheus]:
    scripted = ScriptedPrometheus()
    app = web.Application()
    app.router.add_post("/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    scripted.url = f"http://{host}:{port}"
    try:
        yield scripted
    finally:
        scripted.let_go.set()
        await runner.cleanup()
