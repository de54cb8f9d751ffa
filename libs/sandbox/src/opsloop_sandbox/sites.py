"""The dealers' sites: their content, their moods, and the log of everything that was put on them."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from opsloop_sandbox.changes import Changes, SiteChanged
from opsloop_sandbox.connection import TooLarge, disconnected, read_body
from opsloop_sandbox.contract import SiteMode, SitePut, SiteRequest, SiteView
from opsloop_sandbox.dealer_pages import LOGIN_PAGE, Dealer, dealers, render_page, script_text
from opsloop_sandbox.dealer_reviews import review_page, reviews_of
from opsloop_sandbox.faults import Faults, stores
from opsloop_sandbox.fences import Fences, MalformedFence, fence_of, task_in
from opsloop_sandbox.journal import Journal
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.misbehaviour import misbehave
from opsloop_sandbox.refusal import not_found

SLOW_SECONDS = 2.0
HUGE_CHUNKS = 64
HUGE_CHUNK = b"<p>" + b"x" * (1024 * 1024 - 7) + b"</p>"
PUT_METHOD = "site.put"


class PutRecorded(msgspec.Struct, frozen=True, tag="put"):
    put: SitePut


class ModeChanged(msgspec.Struct, frozen=True, tag="mode"):
    dealer: str
    mode: SiteMode
    seconds: float


class WasReset(msgspec.Struct, frozen=True, tag="reset"):
    dealer: str


SiteRecord = PutRecorded | ModeChanged | WasReset


class Site(msgspec.Struct):
    """One dealer's site as it is now; `answered` maps idempotency keys to the document and ETag they stored."""

    dealer: Dealer
    jsonld: str | None
    mode: SiteMode
    seconds: float = SLOW_SECONDS
    answered: dict[str, tuple[JsonObject | None, str]] = {}

    @property
    def page(self) -> str:
        return render_page(self.dealer, self.jsonld)

    @property
    def etag(self) -> str:
        return '"' + hashlib.sha256(self.page.encode()).hexdigest()[:20] + '"'


class Sites:
    def __init__(
        self, *, journal_path: Path, base_url: str, content_token: str, faults: Faults, changes: Changes
    ) -> None:
        self._changes = changes
        self._token = content_token
        self._faults = faults
        self._dealers = dealers(base_url)
        self._sites = {name: _fresh(dealer) for name, dealer in self._dealers.items()}
        self._puts: list[SitePut] = []
        self._fences = Fences()
        self._journal: Journal[SiteRecord] = Journal(journal_path, SiteRecord)  # type: ignore[arg-type]  # a union is a type
        for record in self._journal.replay():
            self._apply(record)

    def close(self) -> None:
        self._journal.close()

    def routes(self) -> list[Route]:
        return [
            Route("/sites/{dealer}/", self.get_page, methods=["GET"]),
            Route("/sites/{dealer}/login", self.get_login, methods=["GET"]),
            Route("/sites/{dealer}/reviews.json", self.get_reviews, methods=["GET"]),
            Route("/sites/{dealer}/reviews/", self.get_reviews, methods=["GET"]),
            Route("/sites/{dealer}/content/jsonld", self.put_jsonld, methods=["PUT"]),
        ]

    def _save(self, record: SiteRecord) -> None:
        self._journal.append(record)
        self._apply(record)
        self._changes.tell(SiteChanged(record.put.dealer if isinstance(record, PutRecorded) else record.dealer))

    def _apply(self, record: SiteRecord) -> None:
        match record:
            case PutRecorded(put):
                self._puts.append(put)
                if put.status == 204 and put.idempotency_key and put.fence:
                    self._fences.note(task_in(put.idempotency_key), int(put.fence))
                if put.effect and put.document is not None:
                    self._sites[put.dealer].jsonld = script_text(put.document)
                    if put.idempotency_key:
                        self._sites[put.dealer].answered[put.idempotency_key] = (put.document, put.etag)
            case ModeChanged(dealer, mode, seconds):
                self._sites[dealer].mode = mode
                self._sites[dealer].seconds = seconds
            case WasReset(dealer):
                self._sites[dealer] = _fresh(self._dealers[dealer])

    def _site(self, dealer: str) -> Site:
        site = self._sites.get(dealer)
        if site is None:
            raise not_found("dealer_not_found", f"no dealer {dealer!r}; there are {', '.join(self._sites)}")
        return site

    @property
    def names(self) -> list[str]:
        return list(self._sites)

    def view(self, dealer: str) -> SiteView:
        site = self._site(dealer)
        puts = [put for put in self._puts if put.dealer == dealer]
        return SiteView(
            dealer=dealer, mode=site.mode, etag=site.etag, jsonld=site.jsonld, original=site.dealer.jsonld, puts=puts
        )

    def change(self, dealer: str, wanted: SiteRequest) -> None:
        site = self._site(dealer)
        if wanted.reset:
            self._save(WasReset(dealer))
        if wanted.mode is not None or wanted.seconds is not None:
            seconds = site.seconds if wanted.seconds is None else wanted.seconds
            self._save(ModeChanged(dealer, wanted.mode or site.mode, seconds))

    async def get_page(self, request: Request) -> Response:
        site = self._site(request.path_params["dealer"])
        sulking = await _sulk(site, request)
        if sulking is not None:
            return sulking
        match site.mode:
            case "login":
                return RedirectResponse(f"/sites/{site.dealer.name}/login", status_code=302)
            case "redirect":
                return RedirectResponse(f"https://www.{site.dealer.name}.example/", status_code=301)
            case "not_html":
                return PlainTextResponse("%PDF-1.7 not a page", media_type="application/pdf")
            case "huge":
                return StreamingResponse(_endless_page(), media_type="text/html; charset=utf-8")
            case _:
                return HTMLResponse(site.page, headers={"ETag": site.etag, "Cache-Control": "no-cache"})

    async def get_login(self, request: Request) -> Response:
        return HTMLResponse(LOGIN_PAGE)

    async def get_reviews(self, request: Request) -> Response:
        """What the customers wrote, as a feed and as pages. Only the moods of the whole site show here."""
        site = self._site(request.path_params["dealer"])
        sulking = await _sulk(site, request)
        if sulking is not None:
            return sulking
        reviews = reviews_of(site.dealer.name, datetime.now(UTC))
        if request.url.path.endswith(".json"):
            return JSONResponse({"dealer": site.dealer.title, "reviews": reviews})
        page = review_page(site.dealer.title, reviews, request.query_params.get("page", "1"))
        return HTMLResponse(page) if page is not None else _problem(404, "no such page of reviews")

    async def put_jsonld(self, request: Request) -> Response:
        site = self._site(request.path_params["dealer"])
        try:
            body = await read_body(request)
        except TooLarge:
            return _problem(413, "the document is over 1 MiB")
        sulking = await _sulk(site, request)
        if sulking is not None:
            return sulking
        fault = self._faults.strike(PUT_METHOD, site.dealer.name)
        if fault is not None and not stores(fault):
            return await misbehave(fault, None, request)
        response = self._put(site, request, body)
        return response if fault is None else await misbehave(fault, response, request)

    def _put(self, site: Site, request: Request, body: bytes) -> Response:
        """Judges the PUT and notes it, whatever comes of it: 204 with the new ETag, or a 4xx with the reason."""
        key = request.headers.get("idempotency-key")
        document = _document(body)
        repeated = site.answered.get(key or "")
        problem = self._objection(site, request, document, repeated)
        stored = problem is None and repeated is None
        after = site
        if stored:
            after = msgspec.structs.replace(site, jsonld=script_text(document or {}))
        etag = after.etag if repeated is None else repeated[1]
        put = SitePut(
            n=len(self._puts) + 1,
            at=time.time(),
            dealer=site.dealer.name,
            status=204 if problem is None else problem[0],
            effect=stored,
            idempotency_key=key,
            fence=request.headers.get("x-fence"),
            if_match=request.headers.get("if-match"),
            etag=etag,
            document=document if stored else None,
        )
        self._save(PutRecorded(put))
        return Response(status_code=204, headers={"ETag": etag}) if problem is None else _problem(*problem)

    def _objection(
        self,
        site: Site,
        request: Request,
        document: JsonObject | None,
        repeated: tuple[JsonObject | None, str] | None,
    ) -> tuple[int, str] | None:
        """Status and reason if the PUT is refused."""
        authorization = request.headers.get("authorization", "")
        if not authorization.startswith("Bearer "):
            return 401, "a bearer token is required"
        if not self._token or not secrets.compare_digest(authorization[7:].encode(), self._token.encode()):
            return 403, "this token may not change the site"
        if document is None:
            return 400, "the body must be one JSON object"
        try:
            past = self._fences.objection(task_in(request.headers.get("idempotency-key", "")), fence_of(request))
        except MalformedFence:
            return 400, "X-Fence must be a whole number"
        if past is not None:
            return 409, past
        if repeated is not None:
            return None if repeated[0] == document else (422, "this Idempotency-Key came with another document")
        if_match = request.headers.get("if-match")
        if not if_match:
            return 428, "If-Match with the page's ETag is required"
        return None if if_match == site.etag else (412, "the page has changed since it was read")


def _fresh(dealer: Dealer) -> Site:
    return Site(dealer=dealer, jsonld=dealer.jsonld, mode=dealer.mode)


async def _sulk(site: Site, request: Request) -> Response | None:
    """The moods that concern reading and writing alike."""
    match site.mode:
        case "hang":
            await disconnected(request)
            return Response()
        case "down":
            return PlainTextResponse("Service Unavailable", status_code=503, headers={"Retry-After": "30"})
        case "slow":
            await asyncio.sleep(site.seconds)
            return None
        case _:
            return None


async def _endless_page() -> AsyncIterator[bytes]:
    yield b"<!DOCTYPE html><html><body>"
    for _ in range(HUGE_CHUNKS):
        yield HUGE_CHUNK


def _document(body: bytes) -> JsonObject | None:
    try:
        decoded: object = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _problem(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status_code=status)
