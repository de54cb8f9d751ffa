"""A dealer's site on 127.0.0.1 that behaves as a test tells it to."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from opsloop_common.task import Target

PROFILE: dict[str, object] = {
    "name": "Naples Honda",
    "url": "https://naples-honda.example/",
    "telephone": "+1-239-555-0143",
    "priceRange": "$$",
    "image": "https://naples-honda.example/front.jpg",
    "openingHours": ["Mo-Fr 09:00-20:00", "Sa 09:00-19:00"],
    "brand": ["Honda"],
    "address": {
        "streetAddress": "3500 Davis Blvd",
        "addressLocality": "Naples",
        "addressRegion": "FL",
        "postalCode": "34104",
        "addressCountry": "US",
    },
    "geo": {"latitude": 26.1323, "longitude": -81.7551},
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class DealerSite:
    """Serves `head` and the injected content as one page. `get` and `put` replace the usual behaviour."""

    scripts: list[str] = field(default_factory=list)
    etags: bool = True
    get: Handler | None = None
    put: Handler | None = None
    managed: int = 0
    puts: list[dict[str, str]] = field(default_factory=list)
    reads: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def page(self) -> str:
        scripts = "".join(f'<script type="application/ld+json">{text}</script>' for text in self.scripts)
        return f"<!doctype html><html><head><title>Dealer</title>{scripts}</head><body>Hello</body></html>"

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.page.encode()).hexdigest()[:16]}"'

    async def serve_page(self, request: web.Request) -> web.StreamResponse:
        self.reads += 1
        if self.get:
            return await self.get(request)
        headers = {"ETag": self.etag} if self.etags else {}
        return web.Response(text=self.page, content_type="text/html", headers=headers)

    async def take_content(self, request: web.Request) -> web.StreamResponse:
        self.puts.append({**request.headers, "body": await request.text()})
        return await self.put(request) if self.put else await self.accept(request)

    async def accept(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Bearer good-token":
            return web.Response(status=401)
        if self.etags and request.headers.get("If-Match") != self.etag:
            return web.Response(status=412)
        self.show(await request.text())
        return web.Response(status=204)

    def show(self, content: str) -> None:
        self.scripts[self.managed : self.managed + 1] = [content]

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.serve_page)
        app.router.add_put("/content", self.take_content)
        return app


def target_for(base_url: str, profile: dict[str, object] = PROFILE, **settings: str) -> Target:
    known = {"page_url": f"{base_url}/dealer", "content_url": f"{base_url}/content"}
    return Target(
        name="naples-honda",
        title="Naples Honda",
        settings={**known, **settings},
        secrets={"content_token": "DEALER_CONTENT_TOKEN"},
        profile=profile,
    )


def address_of(server: TestServer) -> str:
    return str(server.make_url("/")).rstrip("/")
