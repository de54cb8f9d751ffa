"""Every class of failure, provoked for real, and the sentence the user reads."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest
from aiohttp import web

from broker import free_port
from integration.dealership.conftest import Serve
from integration.dealership.dealer_site import PROFILE, DealerSite, target_for
from integration.dealership.fake_run import FakeRun
from opsloop_common.task import Target, TaskFailed
from opsloop_dealership.failures import SENTENCES
from opsloop_dealership.schema_fix import schema_fix

Setup = Callable[[DealerSite, str], Target]
CHUNK = b"<p>" + b"x" * 65_533


def answering(status: int, **headers: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


def get_answers(status: int, **headers: str) -> Setup:
    def setup(site: DealerSite, base: str) -> Target:
        site.get = answering(status, **headers)
        return target_for(base)

    return setup


def put_answers(status: int) -> Setup:
    def setup(site: DealerSite, base: str) -> Target:
        site.put = answering(status)
        return target_for(base)

    return setup


def slow(site: DealerSite, base: str) -> Target:
    async def hang(request: web.Request) -> web.StreamResponse:
        await site.stop.wait()
        return web.Response()

    site.get = hang
    return target_for(base, timeout_seconds="0.3")


def login_form(site: DealerSite, base: str) -> Target:
    async def redirect_once(request: web.Request) -> web.StreamResponse:
        if request.path != "/login":
            return web.Response(status=302, headers={"Location": "/login"})
        return web.Response(text='<form><input name="p" type="password"></form>', content_type="text/html")

    site.get = redirect_once
    return target_for(base)


def huge(site: DealerSite, base: str) -> Target:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        for _ in range(800):
            await response.write(CHUNK)
        return response

    site.get = stream
    return target_for(base)


def settings(**changed: str) -> Setup:
    return lambda site, base: target_for(base, PROFILE, **changed)


def profile(**changed: object) -> Setup:
    return lambda site, base: target_for(base, {**PROFILE, **changed})


def dealer_too_large(site: DealerSite, base: str) -> Target:
    site.scripts = ['{"@type": "AutoDealer", "name": "Naples Honda", "description": "' + "x" * 200_000 + '"}']
    return target_for(base)


CASES: list[tuple[str, str, Setup]] = [
    ("setting_missing", "Schema detected", settings(page_url="")),
    ("setting_malformed", "Schema detected", settings(content_url="/content")),
    ("setting_malformed", "Schema detected", settings(content_url="https://user:pass@host.example/")),
    ("setting_malformed", "Schema detected", settings(timeout_seconds="soon")),
    ("setting_malformed", "Schema detected", settings(timeout_seconds="nan")),
    ("site_unreachable", "Schema detected", lambda site, base: target_for(f"http://127.0.0.1:{free_port()}")),
    ("site_unreachable", "Schema detected", lambda site, base: target_for("http://no-such-host.invalid")),
    ("site_timeout", "Schema detected", slow),
    ("site_error_status", "Schema detected", get_answers(503)),
    ("site_error_status", "Schema detected", get_answers(429)),
    ("site_error_status", "Schema detected", get_answers(304)),
    ("site_not_found", "Schema detected", get_answers(404)),
    ("site_not_found", "Schema detected", get_answers(410)),
    ("site_login", "Schema detected", get_answers(401)),
    ("site_login", "Schema detected", get_answers(403)),
    ("site_login", "Schema detected", get_answers(302, Location="https://login.example/?next=secret")),
    ("site_login", "Schema detected", get_answers(302, Location="file:///etc/passwd")),
    ("site_login", "Schema detected", get_answers(302, Location="http://[broken")),
    ("site_login", "Schema detected", login_form),
    ("too_many_redirects", "Schema detected", get_answers(302, Location="/again")),
    ("page_not_html", "Schema detected", get_answers(200, **{"Content-Type": "application/json"})),
    ("page_too_large", "Schema detected", huge),
    ("document_too_large", "Schema detected", dealer_too_large),
    ("profile_incomplete", "Processing", profile(name="")),
    ("profile_incomplete", "Processing", profile(address={"addressLocality": "Naples"})),
    ("profile_incomplete", "Processing", profile(telefone="+1-239-555-0143")),
    ("content_unauthorized", "Injected into site", put_answers(401)),
    ("content_unauthorized", "Injected into site", put_answers(403)),
    ("content_refused", "Injected into site", put_answers(500)),
    ("content_refused", "Injected into site", put_answers(409)),
    ("content_refused", "Injected into site", put_answers(302)),
    ("page_changed", "Injected into site", put_answers(412)),
    ("not_proven", "Completed", put_answers(204)),
]


@pytest.mark.parametrize(("code", "step", "setup"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
async def test_failure_is_foreseen_and_told(serve: Serve, code: str, step: str, setup: Setup) -> None:
    """The failure has its class, happens at its step, names the site and ends with what to do."""
    site = DealerSite(scripts=['{"@type": "AutoDealer", "name": "Naples Honda"}'])
    target = setup(site, await serve(site))
    run = FakeRun(target)
    with pytest.raises(TaskFailed) as failed:
        await schema_fix(run)
    sentence = failed.value.sentence
    assert (failed.value.code, run.failed_at) == (code, step)
    assert sentence.count("{step}") == 1
    assert re.search(r"127\.0\.0\.1|no-such-host\.invalid|Naples Honda", sentence)
    assert re.search(r"(, then retry|as it is now)\.$", sentence)
    assert not re.search(r"Traceback|Error\b|Exception|errno|aiohttp|secret=|next=|[{}](?!step|)", sentence)
    assert len(sentence) < 400
    assert "\n" not in sentence


def test_every_class_of_failure_is_provoked() -> None:
    """A new line in the table needs a case here."""
    assert {code for code, _, _ in CASES} == set(SENTENCES)


async def test_a_huge_page_is_not_read_to_its_end(serve: Serve) -> None:
    """Reading stops just past the limit: the site gets rid of a fraction of its 50 MB."""
    site = DealerSite()
    written = 0
    ended = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        try:
            for _ in range(800):
                await response.write(CHUNK)
                written += len(CHUNK)
        finally:
            ended.set()
        return response

    site.get = stream
    target = target_for(await serve(site))
    with pytest.raises(TaskFailed, match="more than 5 MB"):
        await schema_fix(FakeRun(target))
    async with asyncio.timeout(5):
        await ended.wait()
    assert written < 20 * 1024 * 1024


async def test_a_dripping_page_ends_at_its_deadline(serve: Serve) -> None:
    """The deadline bounds the whole reading: a byte now and then does not prolong it."""
    site = DealerSite()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while not site.stop.is_set():
            await response.write(b" ")
            await asyncio.wait([asyncio.ensure_future(site.stop.wait())], timeout=0.05)
        return response

    site.get = drip
    target = target_for(await serve(site), timeout_seconds="0.4")
    started = monotonic()
    with pytest.raises(TaskFailed) as failed:
        await schema_fix(FakeRun(target))
    assert failed.value.code == "site_timeout"
    assert monotonic() - started < 3


async def test_the_profile_key_to_set_is_named(serve: Serve) -> None:
    """A profile that makes no valid dealer says which key is missing."""
    site = DealerSite(scripts=[])
    target = target_for(await serve(site), {**PROFILE, "address": {"addressLocality": "Naples"}})
    with pytest.raises(TaskFailed, match=r"Set profile\.address\.streetAddress of the target"):
        await schema_fix(FakeRun(target))


async def test_the_token_is_not_sent_where_a_redirect_leads(serve: Serve) -> None:
    """A redirected PUT is refused, so the token reaches its own site only."""
    elsewhere = DealerSite()
    other = await serve(elsewhere)
    site = DealerSite(scripts=['{"@type": "AutoDealer"}'], put=answering(307, Location=f"{other}/content"))
    target = target_for(await serve(site))
    with pytest.raises(TaskFailed, match="answered 307"):
        await schema_fix(FakeRun(target))
    assert elsewhere.puts == []


async def test_a_bug_is_not_dressed_as_a_failure(serve: Serve) -> None:
    """An unexpected exception leaves the task as it is, for whoever runs it to log."""
    run = FakeRun(target_for(await serve(DealerSite(scripts=[""]))))

    def bug(step: str) -> str:
        raise ZeroDivisionError

    run.idempotency_key = bug  # type: ignore[method-assign]  # the simplest bug to plant
    with pytest.raises(ZeroDivisionError):
        await schema_fix(run)
