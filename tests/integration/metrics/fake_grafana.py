"""Grafana's annotations API, as far as its documentation goes; wrong on purpose when asked.

https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

TOKEN = "glsa_a_token_of_the_test"


class Stored(msgspec.Struct, kw_only=True):
    id: int
    time: int
    timeEnd: int  # Grafana's own names
    text: str
    tags: list[str]
    dashboardUID: str = ""
    panelId: int = 0


class FakeGrafana:
    """`mood`: "well", "down" (500), "slow" (never answers), "html" (a login page), "lost" (stores, then hangs up)."""

    def __init__(self) -> None:
        self.url = ""
        self.mood = "well"
        self.stored: dict[int, Stored] = {}
        self.posts = 0
        self.calls = 0

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        application.router.add_get("/api/annotations", self._list)
        application.router.add_post("/api/annotations", self._post)
        application.router.add_patch("/api/annotations/{id}", self._patch)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: object) -> web.StreamResponse:
        self.calls += 1
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Invalid API key"}, status=401)
        if self.mood == "down":
            return web.json_response({"message": "database is locked"}, status=500)
        if self.mood == "slow":
            await asyncio.sleep(60)
        if self.mood == "html":
            return web.Response(text="<html><title>Grafana</title></html>", content_type="text/html")
        response: web.StreamResponse = await handler(request)  # type: ignore[operator] # aiohttp's handler
        if self.mood == "lost" and request.method == "POST" and request.transport is not None:
            request.transport.close()
        return response

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        tags = set(query.getall("tags", []))
        found = [
            one
            for one in self.stored.values()
            if tags <= set(one.tags)
            and int(query.get("from", 0)) <= one.timeEnd
            and one.time <= int(query.get("to", 1 << 62))
        ]
        return web.json_response([msgspec.to_builtins(one) for one in found[: int(query.get("limit", 100))]])

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not body.get("text"):
            return web.json_response({"message": "Failed to save annotation"}, status=400)
        self.posts += 1
        id = len(self.stored) + 1
        time = int(body["time"])
        self.stored[id] = Stored(
            id=id,
            time=time,
            timeEnd=int(body.get("timeEnd") or time),
            text=body["text"],
            tags=body.get("tags") or [],
            dashboardUID=body.get("dashboardUID") or "",
            panelId=body.get("panelId") or 0,
        )
        return web.json_response({"message": "Annotation added", "id": id})

    async def _patch(self, request: web.Request) -> web.Response:
        found = self.stored.get(int(request.match_info["id"]))
        if found is None:
            return web.json_response({"message": "Could not find annotation to update"}, status=404)
        for name, value in (await request.json()).items():
            if value is not None:
                setattr(found, name, value)
        return web.json_response({"message": "Annotation patched"})


@contextlib.asynccontextmanager
async def fake_grafana() -> AsyncIterator[FakeGrafana]:
    grafana = FakeGrafana()
    runner = web.AppRunner(grafana.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    grafana.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield grafana
    finally:
        await runner.cleanup()
