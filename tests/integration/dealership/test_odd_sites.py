"""Sites as they are found: what is odd about their JSON-LD is mended or told, and nothing is half done."""

import json

import pytest
from aiohttp import web

from integration.dealership.conftest import Serve
from integration.dealership.dealer_site import DealerSite, target_for
from integration.dealership.fake_run import FakeRun
from opsloop_common.task import TaskFailed
from opsloop_dealership.schema_fix import schema_fix

DEALER = {"@context": "https://schema.org", "@type": "AutoDealer", "name": "Naples Honda"}
OTHER = {"@context": "https://schema.org", "@type": "WebSite", "name": "The site"}
TEXT = json.dumps(DEALER)


@pytest.mark.parametrize(
    "scripts",
    [
        [json.dumps({"@context": "https://schema.org", "@graph": [OTHER, DEALER]})],
        [TEXT, json.dumps(OTHER)],
        [f"/* ours */ {TEXT} // end"],
        [f"<!-- {TEXT} -->"],
        [TEXT[:-1] + ",}"],
        [TEXT.replace("Naples Honda", "Naples Honda &amp; Sons")],
        [TEXT.replace("AutoDealer", "Restaurant")],
        [TEXT, json.dumps(DEALER | {"name": "Tampa Chevrolet", "telephone": "+1-813-555-0172"})],
        ["{"],
        ["[" * 5000],
    ],
    ids=[
        "graph", "several scripts", "comments", "HTML comment", "trailing comma", "entities", "wrong type",
        "two dealers", "broken", "nested",
    ],
)  # fmt: skip
async def test_the_page_ends_with_a_right_dealer_or_as_it_was(serve: Serve, scripts: list[str]) -> None:
    """Either the fix is proven on the page, or a sentence says why not and nothing was written."""
    site = DealerSite(scripts=list(scripts))
    failure = ""
    try:
        await schema_fix(FakeRun(target_for(await serve(site))))
    except TaskFailed as failed:
        failure = failed.sentence
    if failure:
        assert "{step}" in failure
        assert (site.puts, site.scripts) == ([], scripts)
        return
    shown = "".join(site.scripts)
    assert '"AutoDealer"' in shown
    assert "Naples Honda" in shown


@pytest.mark.parametrize("hops", [2, 9])
async def test_a_chain_of_redirects_is_followed_as_far_as_is_sane(serve: Serve, hops: int) -> None:
    """Two are followed; a chain without an end is told, and nothing is written."""
    site = DealerSite(scripts=[TEXT])

    async def redirect(request: web.Request) -> web.StreamResponse:
        number = int(request.query.get("n", "0"))
        if number < hops:
            return web.Response(status=302, headers={"Location": f"{request.path}?n={number + 1}"})
        return web.Response(text=site.page, content_type="text/html", headers={"ETag": site.etag})

    site.get = redirect
    run = FakeRun(target_for(await serve(site)))
    if hops == 2:
        assert (await schema_fix(run)).summary
    else:
        with pytest.raises(TaskFailed, match="redirected more than"):
            await schema_fix(run)
        assert site.puts == []


async def test_a_login_page_is_not_taken_for_the_dealer_s(serve: Serve) -> None:
    """A redirect to a form with a password: the page is not public, and nothing is written."""
    site = DealerSite(scripts=[TEXT])

    async def login(request: web.Request) -> web.StreamResponse:
        if request.path != "/login":
            return web.Response(status=302, headers={"Location": "/login"})
        return web.Response(text='<form><input name="p" type="password"></form>', content_type="text/html")

    site.get = login
    with pytest.raises(TaskFailed, match="login form"):
        await schema_fix(FakeRun(target_for(await serve(site))))
    assert site.puts == []
