"""What a fix found is put back, once, with the same care; anything else on the page is left alone."""

import json

import pytest

from integration.dealership.conftest import Serve
from integration.dealership.dealer_site import DealerSite, target_for
from integration.dealership.fake_run import Crash, FakeRun
from opsloop_common.task import TaskFailed
from opsloop_dealership.schema_fix import schema_fix
from opsloop_dealership.schema_restore import schema_restore

BEFORE = {"@context": "https://schema.org", "@type": "AutoDealers", "name": "Naples Honda", "phone": "+1-239-555-0143"}


async def fixed(site: DealerSite, base_url: str) -> FakeRun:
    """The page after a fix, and a run that has its record."""
    fix = FakeRun(target_for(base_url))
    await schema_fix(fix)
    site.puts.clear()
    run = FakeRun(target_for(base_url))
    run.earlier_results = {("schema_fix", step): result for step, result in fix.checkpoints.items()}
    return run


async def test_the_document_from_before_is_back(serve: Serve) -> None:
    """The page shows what it showed, by one guarded write, and the result tells what changed back."""
    site = DealerSite(scripts=[json.dumps(BEFORE)])
    run = await fixed(site, await serve(site))
    assert json.loads(site.scripts[0]) != BEFORE
    etag = site.etag
    result = await schema_restore(run)
    assert json.loads(site.scripts[0]) == BEFORE
    [put] = site.puts
    assert (put["If-Match"], put["Idempotency-Key"]) == (etag, "07-test:1:Injected into site")
    assert result.summary == "The schema from before the last fix is back"
    assert "back: changed @type: AutoDealer → AutoDealers" in result.lines


async def test_restoring_twice_changes_nothing_more(serve: Serve) -> None:
    """The second says so."""
    site = DealerSite(scripts=[json.dumps(BEFORE)])
    base_url = await serve(site)
    run = await fixed(site, base_url)
    await schema_restore(run)
    again = FakeRun(target_for(base_url))
    again.earlier_results = run.earlier_results
    result = await schema_restore(again)
    assert result.summary.startswith("Nothing to restore")
    assert len(site.puts) == 1


async def test_a_page_that_somebody_changed_since_is_left_alone(serve: Serve) -> None:
    """Neither what the fix found nor what it wrote: nothing is overwritten."""
    site = DealerSite(scripts=[json.dumps(BEFORE)])
    run = await fixed(site, await serve(site))
    site.show(json.dumps(BEFORE | {"name": "Naples Honda & Sons"}))
    with pytest.raises(TaskFailed, match="nothing was overwritten") as failed:
        await schema_restore(run)
    assert (failed.value.code, site.puts) == ("changed_meanwhile", [])


async def test_without_a_record_there_is_nothing_to_restore(serve: Serve) -> None:
    """No fix in the last seven days."""
    site = DealerSite(scripts=[json.dumps(BEFORE)])
    with pytest.raises(TaskFailed, match="no schema fix succeeded"):
        await schema_restore(FakeRun(target_for(await serve(site))))


async def test_what_was_not_there_cannot_be_put_back(serve: Serve) -> None:
    """The fix added the dealer; a site takes content, not its removal."""
    site = DealerSite(scripts=[""])
    run = await fixed(site, await serve(site))
    with pytest.raises(TaskFailed, match="described no dealer") as failed:
        await schema_restore(run)
    assert (failed.value.code, site.puts) == ("nothing_before", [])


async def test_a_resumed_restore_writes_once(serve: Serve) -> None:
    """The process died after the write: the next one finds the document in place."""
    site = DealerSite(scripts=[json.dumps(BEFORE)])
    run = await fixed(site, await serve(site))
    run.crash_after = "Injected into site"
    with pytest.raises(Crash):
        await schema_restore(run)
    resumed = run.resumed()
    resumed.earlier_results = run.earlier_results
    await schema_restore(resumed)
    assert json.loads(site.scripts[0]) == BEFORE
    assert len([put for put in site.puts if put["If-Match"]]) <= 2
