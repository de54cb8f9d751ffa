"""The audit against real sources: what it reports, what it leaves out and says so, and how each failure is told."""

import asyncio
import csv
import io
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

import msgspec
import pytest
from aiohttp import web

from integration.dealership.conftest import Serve
from integration.dealership.dealer_site import DealerSite
from integration.dealership.fake_run import Crash, FakeRun
from opsloop_common.task import Target, TaskFailed
from opsloop_dealership.failures import UGC_SENTENCES
from opsloop_dealership.reviews import sources
from opsloop_dealership.reviews.findings import Findings
from opsloop_dealership.ugc_audit import ugc_audit

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
STEPS = ["Sources read", "Reviews understood", "Findings collected", "Reported"]
MEGABYTE = b" " * (1024 * 1024)


def json_feed(*items: object) -> web.Response:
    return web.json_response({"reviews": items})


def html_page(body: str) -> web.Response:
    return web.Response(text=f"<html><body>{body}</body></html>", content_type="text/html")


def article(id: str, stars: int, text: str) -> str:
    return (
        f'<div itemscope itemtype="https://schema.org/Review"><meta itemprop="identifier" content="{id}">'
        f'<meta itemprop="reviewRating" content="{stars}"><p itemprop="reviewBody">{text}</p></div>'
    )


def answering(status: int, **headers: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


def target_at(base: str, **settings: str) -> Target:
    known = {"reviews_url": f"{base}/reviews.json", "timeout_seconds": "5"}
    return Target(name="naples-honda", title="Naples Honda", settings={**known, **settings})


def findings_kept(run: FakeRun) -> list[dict[str, str]]:
    kept = msgspec.json.decode(run.checkpoints["Findings collected"], type=Findings)
    return list(csv.DictReader(io.StringIO(kept.file.csv, newline="")))


def routed(**handlers: Handler) -> Handler:
    """By the last part of the path; dots are written as underscores."""

    async def route(request: web.Request) -> web.StreamResponse:
        return await handlers[request.path.rpartition("/")[2].replace(".", "_")](request)

    return route


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


async def test_both_sources_make_one_report(serve: Serve) -> None:
    """A review told by both counts once; the findings are kept with the run, masked, and their number is told."""
    bad = {"id": "1", "rating": 1, "text": "=HYPERLINK(1) call 239-555-0187", "date": datetime.now(UTC).isoformat()}

    async def feed(request: web.Request) -> web.StreamResponse:
        return json_feed(bad, {"id": "2", "rating": 5, "text": "Fine", "response": {"text": "Thanks"}})

    async def page(request: web.Request) -> web.StreamResponse:
        if request.query_string:
            return html_page(article("4", 5, "Very good"))
        return html_page(article("1", 1, "the same one") + article("3", 5, "Good") + '<a rel="next" href="?p=2">2</a>')

    site = DealerSite(get=routed(reviews_json=feed, page=page))
    base = await serve(site)
    run = FakeRun(target_at(base, reviews_page_url=f"{base}/page"))
    result = await ugc_audit(run)
    assert result.summary == "4 reviews, 4 of 5 on average, 2 findings"
    assert "owner responses: 1 of 4 (25%)" in result.lines
    assert result.lines[-1].endswith("all on the page of this run, as CSV")
    assert [row["kind"] for row in findings_kept(run)] == ["personal data", "unanswered bad review"]
    told = json.dumps([result.summary, *result.lines, *run.lines, *(c.decode() for c in run.checkpoints.values())])
    assert "0187" not in told
    assert (run.steps_run, run.percents) == (STEPS, [20, 45, 70, 100])


async def test_one_source_down_is_a_partial_result(serve: Serve) -> None:
    """What the other source gave is reported, and the summary and a line say what is missing."""

    async def feed(request: web.Request) -> web.StreamResponse:
        return json_feed({"id": "1", "rating": 5})

    base = await serve(DealerSite(get=routed(reviews_json=feed, page=answering(503))))
    result = await ugc_audit(FakeRun(target_at(base, reviews_page_url=f"{base}/page")))
    assert result.summary.startswith("Partial result: 1 review, ")
    assert re.fullmatch(r"partial: 127\.0\.0\.1:\d+/page was not read, it answered 503 .*", result.lines[0])
    assert "was not read, it answered 503" in result.partial


async def test_an_empty_feed_is_no_failure(serve: Serve) -> None:
    """A dealer without reviews gets a result that says so."""

    async def feed(request: web.Request) -> web.StreamResponse:
        return json_feed()

    result = await ugc_audit(FakeRun(target_at(await serve(DealerSite(get=feed)))))
    assert (result.summary, result.lines) == ("No reviews were found", ("findings: none",))


@pytest.mark.parametrize(
    ("link", "note"),
    [
        ("?p={next}", "cut after 50 pages"),
        ("/page", "continues on a page that was read already"),
        ("http://evil.example/", "page 1 continues on another host"),
        ("http://localhost:{port}/page?p=2", "page 1 continues on another host"),
        ("file:///etc/passwd", "page 1 continues on another host"),
        ("http://[", "page 1 continues on another host"),
        ("/missing", "stopped at page 2, which answered 404"),
    ],
)
async def test_pages_are_followed_within_bounds(serve: Serve, link: str, note: str) -> None:
    """Endless, circular, foreign and failing next pages end the reading, and the result says why."""

    async def page(request: web.Request) -> web.StreamResponse:
        if request.path == "/missing":
            return web.Response(status=404)
        number = int(request.query.get("p", "1"))
        return html_page(
            article(f"{number}", 5, "")
            + f'<link rel="next" href="{link.format(next=number + 1, port=request.url.port)}">'
        )

    site = DealerSite(get=page)
    base = await serve(site)
    result = await ugc_audit(FakeRun(target_at("", reviews_url="", reviews_page_url=f"{base}/page")))
    assert note in result.lines[0]
    assert site.reads <= 50


async def test_a_hundred_thousand_reviews_are_read(serve: Serve) -> None:
    """A feed of 100,000 reviews, many of them bad and alike, is reported whole within the task's time."""
    day = datetime.now(UTC)
    items = [
        {"id": str(n), "rating": n % 5 + 1, "text": f"Review {n} of the sales team and car {n % 977} we bought {n}",
         "date": (day - timedelta(hours=n / 10)).isoformat()}
        for n in range(100_000)
    ]  # fmt: skip
    body = json.dumps(items).encode()

    async def feed(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    run = FakeRun(target_at(await serve(DealerSite(get=feed))))
    started = monotonic()
    result = await ugc_audit(run)
    assert monotonic() - started < 60
    assert result.summary.startswith("100,000 reviews, 3 of 5 on average, ")
    assert any(line.startswith("the CSV was cut: it holds the first ") for line in result.lines)


async def test_an_endless_feed_stops_early(serve: Serve) -> None:
    """Of a feed of 1 GB no more than the bound is taken; the reviews until there count, and the result says it."""
    written = 0
    ended = asyncio.Event()

    async def feed(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'[{"id": "1", "rating": 5},')
        try:
            for _ in range(1024):
                await response.write(MEGABYTE)
                written += len(MEGABYTE)
        finally:
            ended.set()
        return response

    result = await ugc_audit(FakeRun(target_at(await serve(DealerSite(get=feed)))))
    async with asyncio.timeout(5):
        await ended.wait()
    assert result.summary.startswith("Partial result: 1 review, ")
    assert "cut after 64 MB, with 1 reviews" in result.lines[0]
    assert written < 2 * sources.MAX_FEED_BYTES


async def test_a_dripping_feed_ends_at_its_deadline(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not prolong the reading; what has come counts."""
    monkeypatch.setattr(sources, "MAX_SOURCE_SECONDS", 0.5)
    site = DealerSite()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'[{"id": "1", "rating": 5},')
        while not site.stop.is_set():
            await response.write(b" ")
            await asyncio.wait([asyncio.ensure_future(site.stop.wait())], timeout=0.05)
        return response

    site.get = drip
    started = monotonic()
    result = await ugc_audit(FakeRun(target_at(await serve(site))))
    assert "sent too slowly, with 1 reviews" in result.lines[0]
    assert monotonic() - started < 3


@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_is_survived(serve: Serve, step: str) -> None:
    """A resumed attempt reads the sources again where it must, and reports the same."""

    async def feed(request: web.Request) -> web.StreamResponse:
        return json_feed({"id": "1", "rating": 1, "text": "Bad"})

    target = target_at(await serve(DealerSite(get=feed)))
    whole = await ugc_audit(FakeRun(target))
    run = FakeRun(target, crash_after=step)
    with pytest.raises(Crash):
        await ugc_audit(run)
    assert await ugc_audit(run.resumed()) == whole


CASES: list[tuple[str, Handler | None, dict[str, str]]] = [
    ("reviews_not_set_up", None, {"reviews_url": ""}),
    ("reviews_setting_malformed", None, {"reviews_url": "/reviews.json"}),
    ("reviews_setting_malformed", None, {"reviews_page_url": "https://user:pass@host.example/"}),
    ("reviews_setting_malformed", None, {"timeout_seconds": "nan"}),
    ("reviews_unreachable", None, {"reviews_url": "http://127.0.0.1:9/"}),
    ("reviews_unreachable", None, {"reviews_url": "http://no-such-host.invalid/"}),
    ("reviews_timeout", hang, {"timeout_seconds": "0.3"}),
    ("reviews_error_status", answering(503), {}),
    ("reviews_error_status", answering(429), {}),
    ("reviews_error_status", answering(302, Location="/reviews.json"), {}),
    ("reviews_not_found", answering(404), {}),
    ("reviews_not_public", answering(403), {}),
    ("reviews_not_public", answering(302, Location="https://login.example/?next=secret"), {}),
    ("reviews_not_public", answering(302, Location="http://[broken"), {}),
    ("reviews_unreadable", answering(200), {}),
    ("reviews_unreadable", answering(200, **{"Content-Type": "x/{step}" + "y" * 500}), {}),
]


@pytest.mark.parametrize(("code", "handler", "settings"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
async def test_failure_is_foreseen_and_told(
    serve: Serve, code: str, handler: Handler | None, settings: dict[str, str]
) -> None:
    """The failure has its class, happens at the first step, names the source and ends with what to do."""
    run = FakeRun(target_at(await serve(DealerSite(get=handler)), **settings))
    with pytest.raises(TaskFailed) as failed:
        await ugc_audit(run)
    sentence = failed.value.sentence
    assert (failed.value.code, run.failed_at) == (code, "Sources read")
    assert sentence.count("{step}") == 1
    assert re.search(r"127\.0\.0\.1|no-such-host\.invalid|Naples Honda", sentence)
    assert sentence.endswith(", then retry.")
    assert not re.search(r"Traceback|Error\b|Exception|errno|aiohttp|secret|pass@|[{}](?!step|)", sentence)
    assert len(sentence) < 400


def test_every_class_of_failure_is_provoked() -> None:
    """A new line in the table needs a case here."""
    assert {code for code, _, _ in CASES} == set(UGC_SENTENCES)


async def test_all_sources_down_is_a_failure(serve: Serve) -> None:
    """With every source down the task fails with the first one's class and says that none was read."""
    base = await serve(DealerSite(get=answering(503)))
    with pytest.raises(TaskFailed, match="the first of 2 sources that all failed,") as failed:
        await ugc_audit(FakeRun(target_at(base, reviews_page_url=f"{base}/page")))
    assert failed.value.code == "reviews_error_status"
