"""The task against a real site: what it repairs, what it leaves, and that repeating it is safe."""

import json

import pytest
from aiohttp import web

from integration.dealership.conftest import Serve
from integration.dealership.dealer_site import PROFILE, DealerSite, target_for
from integration.dealership.fake_run import Crash, FakeRun
from opsloop_common.task import Run, TaskFailed
from opsloop_dealership.schema_fix import schema_fix

BROKEN = """{
  // exported by the theme
  "@context": "http://schema.org",
  "@type": "AutoDealership",
  "name": "Naples Honda",
  "telefone": "239 555 0143",
  "address": "3500 Davis Blvd, Naples",
  "legalName": "Naples Motors LLC",
}"""


async def test_repairs_a_broken_document_and_proves_it(serve: Serve) -> None:
    """A broken document is replaced by a valid one that keeps what was right and says what was wrong."""
    site = DealerSite(scripts=[BROKEN])
    run: FakeRun = FakeRun(target_for(await serve(site)))
    as_contract: Run = run
    result = await schema_fix(as_contract)
    shown = json.loads(site.scripts[0])
    assert shown["@type"] == "AutoDealer"
    assert shown["legalName"] == "Naples Motors LLC"
    assert shown["address"]["streetAddress"] == "3500 Davis Blvd"
    assert "telefone" not in shown
    assert result.summary.endswith("problems corrected")
    assert any("did you mean telephone" in line for line in run.lines)
    assert any(line.startswith("wrong: script 1") and "not valid JSON" in line for line in result.lines)
    assert not any(line.startswith("left: script") for line in result.lines)
    assert run.percents == [20, 40, 60, 80, 100]


async def test_sends_what_guards_and_identifies_the_write(serve: Serve) -> None:
    """The PUT carries token, ETag as read, idempotency key and fence."""
    site = DealerSite(scripts=[BROKEN])
    etag = site.etag
    await schema_fix(FakeRun(target_for(await serve(site))))
    (put,) = site.puts
    assert put["Authorization"] == "Bearer good-token"
    assert put["If-Match"] == etag
    assert put["Idempotency-Key"] == "07-test:1:Injected into site"
    assert put["X-Fence"] == "7"
    assert put["Content-Type"] == "application/ld+json"


async def test_a_right_page_is_left_alone(serve: Serve) -> None:
    """A second run finds nothing to correct and sends nothing."""
    site = DealerSite(scripts=[BROKEN])
    base = await serve(site)
    await schema_fix(FakeRun(target_for(base)))
    result = await schema_fix(FakeRun(target_for(base)))
    assert result.summary == "Nothing to correct"
    assert len(site.puts) == 1


@pytest.mark.parametrize("etags", [True, False])
async def test_a_crash_inside_the_injection_is_survived(serve: Serve, etags: bool) -> None:
    """A resumed attempt whose content is already on the page ends well and changes nothing."""
    site = DealerSite(scripts=[BROKEN], etags=etags)
    run = FakeRun(target_for(await serve(site)), crash_after="Injected into site")
    with pytest.raises(Crash):
        await schema_fix(run)
    content = site.scripts[0]
    resumed = run.resumed()
    result = await schema_fix(resumed)
    assert resumed.steps_run == ["Injected into site", "Completed"]
    assert result.summary.endswith("problems corrected")
    assert site.scripts == [content]


@pytest.mark.parametrize("step", ["Schema detected", "Validation started", "Processing", "Completed"])
async def test_a_crash_in_any_step_is_survived(serve: Serve, step: str) -> None:
    """Kept results decode to what they were: a resumed attempt ends like an undisturbed one."""
    site = DealerSite(scripts=[BROKEN])
    run = FakeRun(target_for(await serve(site)), crash_after=step)
    with pytest.raises(Crash):
        await schema_fix(run)
    result = await schema_fix(run.resumed())
    assert result.summary.endswith("problems corrected")
    assert json.loads(site.scripts[0])["name"] == "Naples Honda"
    assert len(site.puts) == 1


async def test_an_answer_lost_after_the_write_counts_as_done(serve: Serve) -> None:
    """A site that stores the content and then breaks the connection has done its work."""
    site = DealerSite(scripts=[BROKEN])

    async def store_and_break(request: web.Request) -> web.StreamResponse:
        site.show(await request.text())
        assert request.transport
        request.transport.close()
        return web.Response()

    site.put = store_and_break
    result = await schema_fix(FakeRun(target_for(await serve(site))))
    assert result.summary.endswith("problems corrected")


async def test_a_page_without_etag_is_compared_before_the_write(serve: Serve) -> None:
    """Without an ETag the page is read again, and its JSON-LD must still be the one that was judged."""
    site = DealerSite(scripts=[BROKEN], etags=False)
    await schema_fix(FakeRun(target_for(await serve(site))))
    assert "If-Match" not in site.puts[0]
    assert site.reads == 3


async def test_a_page_without_etag_that_changed_is_not_overwritten(serve: Serve) -> None:
    """Somebody else's change between reading and writing wins, ETag or not."""
    site = DealerSite(scripts=[BROKEN], etags=False)
    run = FakeRun(target_for(await serve(site)), crash_after="Processing")
    with pytest.raises(Crash):
        await schema_fix(run)
    site.scripts = ['{"@context": "https://schema.org", "@type": "AutoDealer", "name": "Edited by hand"}']
    with pytest.raises(TaskFailed) as failed:
        await schema_fix(run.resumed())
    assert failed.value.code == "page_changed"
    assert site.puts == []


async def test_a_weak_etag_guards_nothing(serve: Serve) -> None:
    """A weak ETag never matches If-Match (RFC 9110), so the page is compared instead."""
    site = DealerSite(scripts=[BROKEN], etags=False)

    async def weak(request: web.Request) -> web.StreamResponse:
        return web.Response(text=site.page, content_type="text/html", headers={"ETag": 'W/"1"'})

    site.get = weak
    await schema_fix(FakeRun(target_for(await serve(site))))
    assert "If-Match" not in site.puts[0]


async def test_other_nodes_of_a_graph_stay(serve: Serve) -> None:
    """Only the dealer's node in an @graph is replaced."""
    website = {"@type": "WebSite", "name": "Site", "url": "https://naples-honda.example/"}
    dealer = {"@type": "AutoDealer", "@id": "#us", "name": "Naples Hnda", "url": "https://naples-honda.example"}
    site = DealerSite(scripts=[json.dumps({"@context": "https://schema.org", "@graph": [website, dealer]})])
    await schema_fix(FakeRun(target_for(await serve(site))))
    kept, fixed = json.loads(site.scripts[0])["@graph"]
    assert kept == website
    assert (fixed["@id"], fixed["name"]) == ("#us", "Naples Honda")


async def test_the_other_dealer_on_the_page_is_not_touched(serve: Serve) -> None:
    """Of two dealers the one with the profile's name is repaired; several scripts are kept apart."""
    other = json.dumps({"@context": "https://schema.org", "@type": "AutoDealer", "name": "Fort Myers Honda"})
    ours = json.dumps({"@context": "https://schema.org", "@type": "AutoDealer", "name": "naples honda"})
    site = DealerSite(scripts=[other, ours], managed=1)
    await schema_fix(FakeRun(target_for(await serve(site))))
    assert site.scripts[0] == other
    assert json.loads(site.scripts[1])["telephone"] == "+1-239-555-0143"


async def test_a_lost_script_is_told(serve: Serve) -> None:
    """When the site drops another script with the injection, the result says which."""
    crumbs = json.dumps({"@context": "https://schema.org", "@type": "BreadcrumbList", "name": "crumbs"})
    site = DealerSite(scripts=[BROKEN, crumbs])

    async def replace_all(request: web.Request) -> web.StreamResponse:
        site.scripts = [await request.text()]
        return web.Response(status=204)

    site.put = replace_all
    run = FakeRun(target_for(await serve(site)))
    result = await schema_fix(run)
    assert any("BreadcrumbList" in line for line in (*result.lines, *run.lines))


async def test_a_closing_script_tag_in_a_value_cannot_break_the_page(serve: Serve) -> None:
    """A value that ends a script element is written so that the page stays whole."""
    profile = {**PROFILE, "description": "Best </script><script>alert(1)</script> & more"}
    site = DealerSite(scripts=['{"@type": "AutoDealer", "name": "x </script> y"}'])
    await schema_fix(FakeRun(target_for(await serve(site), profile)))
    assert "</script>" not in site.scripts[0]
    assert json.loads(site.scripts[0])["description"] == profile["description"]


async def test_an_unreadable_script_is_kept_with_the_run(serve: Serve) -> None:
    """What was on the page before can be looked up afterwards, even if it was no JSON."""
    site = DealerSite(scripts=['{"@type": "AutoDealer", "name": oops'])
    run = FakeRun(target_for(await serve(site)))
    await schema_fix(run)
    assert b"oops" in run.checkpoints["Schema detected"]
    assert json.loads(site.scripts[0])["name"] == "Naples Honda"


async def test_a_large_page_leaves_a_checkpoint_of_bounded_size(serve: Serve) -> None:
    """Large foreign scripts are cut with a note; the step result stays within its limit."""
    foreign = [json.dumps({"@type": "Vehicle", "name": "x" * 90_000}) for _ in range(4)]
    site = DealerSite(scripts=[BROKEN, *foreign, "{broken " + "y" * 400_000])
    run = FakeRun(target_for(await serve(site)))
    result = await schema_fix(run)
    assert b"too large to keep whole" in run.checkpoints["Schema detected"]
    assert b"cut: 400008 characters" in run.checkpoints["Schema detected"]
    assert len(result.lines) <= 24


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff\xfe\x00\xd8<broken", "text/html; charset=utf-8"),
        (b"caf\xe9 Naples", "text/html"),
        (b"x", "text/html; charset=no-such-thing"),
        (b"x", "text/html; charset=idna"),
        (b"", "text/html"),
        (b"<!-- only a comment", "text/html; charset=utf-16"),
        (b"\x00" * 100, "application/xhtml+xml"),
        (b"<?xml version='1.0' encoding='latin-1'?><html/>", "text/html"),
    ],
)
async def test_odd_bytes_are_survived(serve: Serve, body: bytes, content_type: str) -> None:
    """A page in a broken or unknown encoding is a page without a dealer, not an accident."""
    site = DealerSite(scripts=[""])

    async def odd(request: web.Request) -> web.StreamResponse:
        if site.puts:
            return web.Response(text=site.page, content_type="text/html")
        return web.Response(body=body, headers={"Content-Type": content_type})

    site.get = odd
    site.etags = False
    result = await schema_fix(FakeRun(target_for(await serve(site))))
    assert result.summary == "1 problem corrected"
