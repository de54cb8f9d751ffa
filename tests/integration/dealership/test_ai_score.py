"""The score as a task: from a whole dealer, and from one of whom only parts can be had."""

import json
from datetime import UTC, datetime

import pytest
from aiohttp import web

from integration.dealership.conftest import Serve
from integration.dealership.dealer_site import PROFILE, DealerSite, target_for
from integration.dealership.fake_run import FakeRun
from opsloop_common.measures import Measure
from opsloop_common.task import TaskFailed
from opsloop_dealership.ai_score_recompute import ai_score_recompute
from opsloop_dealership.schema_fix import schema_fix


def site_with_reviews(status: int = 200) -> DealerSite:
    """A dealer's page and its feed on one site."""
    site = DealerSite(scripts=[json.dumps({"@context": "https://schema.org", "@type": "AutoDealer", "name": "X"})])

    async def answer(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("reviews.json"):
            return web.Response(text=site.page, content_type="text/html", headers={"ETag": site.etag})
        reviews = [
            {"id": str(number), "rating": 5, "text": f"Good {number}", "date": datetime.now(UTC).isoformat()}
            for number in range(10)
        ]
        return web.json_response({"reviews": reviews}, status=status)

    site.get = answer
    return site


def run_on(base_url: str, precision: Measure | None = None) -> FakeRun:
    run = FakeRun(target_for(base_url, PROFILE, reviews_url=f"{base_url}/reviews.json"))
    now = datetime.now(UTC)
    run.measures = {
        "precision": precision
        or Measure(metric="precision", title="Precision", unit="ratio", state="value", value=0.9, at=now)
    }
    return run


async def test_every_part_is_shown_with_its_points(serve: Serve) -> None:
    """The total is exported; mending the schema raises it."""
    site = site_with_reviews()
    base_url = await serve(site)
    before = await ai_score_recompute(run_on(base_url))
    assert before.summary == f"AI visibility {before.figures['ai_visibility_score']:g} of 100"
    assert [line.split()[0] for line in before.highlights] == ["Schema", "Reviews", "Precision", "Freshness"]
    assert "Precision 18 of 20 – GNN precision 0.90" in before.highlights
    await schema_fix(run_on(base_url))
    after = await ai_score_recompute(run_on(base_url))
    assert after.figures["ai_visibility_score"] > before.figures["ai_visibility_score"]
    assert after.partial == ""


async def test_what_cannot_be_had_is_left_out_and_named(serve: Serve) -> None:
    """A feed that is down and a metric without data: the other parts count for them."""
    base_url = await serve(site_with_reviews(status=503))
    silent = Measure(metric="precision", title="Precision", unit="ratio", state="no_data")
    result = await ai_score_recompute(run_on(base_url, silent))
    assert [line.split()[0] for line in result.highlights] == ["Schema"]
    assert "reviews: Reviews not served" in result.partial
    assert "precision: there is no data" in result.partial
    assert result.summary.endswith("of 100 (partial)")


async def test_nothing_at_all_is_a_failure(serve: Serve) -> None:
    """The site is down and there are no numbers: no score, and every reason."""

    async def down(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    silent = Measure(metric="precision", title="Precision", unit="ratio", state="unavailable")
    with pytest.raises(TaskFailed, match="none of its parts could be had") as failed:
        await ai_score_recompute(run_on(await serve(DealerSite(get=down)), silent))
    assert "Prometheus" in failed.value.sentence


async def test_weights_come_from_the_catalogue(serve: Serve) -> None:
    """One part alone, and a mistake in them names its place."""
    run = run_on(await serve(site_with_reviews()))
    run.settings = {"weights": {"precision": 1}}
    assert (await ai_score_recompute(run)).summary == "AI visibility 90 of 100"
    run.settings = {"weights": {"precision": "much"}}
    with pytest.raises(TaskFailed, match=r"tasks\.ai_score_recompute\.settings\.weights gives precision"):
        await ai_score_recompute(run)
