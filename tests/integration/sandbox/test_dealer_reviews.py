"""The dealers' reviews in the sandbox, read by the audit itself."""

from pathlib import Path

import aiohttp
import pytest

from integration.dealership.fake_run import FakeRun
from integration.sandbox.running import sandbox_at
from opsloop_common.task import Result, Target, TaskFailed
from opsloop_dealership.ugc_audit import ugc_audit
from opsloop_sandbox.client import SandboxClient


async def audited(sandbox: SandboxClient, dealer: str) -> Result:
    base = f"{sandbox.base_url}/sites/{dealer}"
    settings = {"reviews_url": f"{base}/reviews.json", "reviews_page_url": f"{base}/reviews/", "timeout_seconds": "1"}
    return await ugc_audit(FakeRun(Target(name=dealer, title=dealer, settings=settings)))


@pytest.mark.parametrize(
    ("dealer", "summary", "findings"),
    [
        ("naples-honda", "30 reviews", "burst 1, duplicates 1, near-duplicates 1, personal data 1"),
        ("coral-gables-toyota", "23 reviews", "unanswered bad review 5"),
        ("miami-kia", "18 reviews", "none"),
        ("tampa-chevrolet", "No reviews were found", "none"),
    ],
)
async def test_each_dealer_has_its_own_trouble(
    sandbox: SandboxClient, dealer: str, summary: str, findings: str
) -> None:
    """Feed and pages tell the same reviews, whose findings are known beforehand."""
    result = await audited(sandbox, dealer)
    assert result.summary.startswith(summary)
    assert findings in result.lines[-1]


@pytest.mark.parametrize(
    ("dealer", "code"), [("orlando-ford", "reviews_timeout"), ("jacksonville-nissan", "reviews_error_status")]
)
async def test_a_site_in_a_mood_shows_no_reviews(sandbox: SandboxClient, dealer: str, code: str) -> None:
    """A site that hangs or is down keeps its reviews to itself."""
    with pytest.raises(TaskFailed) as failed:
        await audited(sandbox, dealer)
    assert failed.value.code == code


async def test_reviews_are_the_same_in_every_sandbox(tmp_path: Path) -> None:
    """Two sandboxes tell the same reviews, and a page that does not exist is 404."""
    told = []
    for name in ("one", "other"):
        async with sandbox_at(tmp_path / name) as sandbox, aiohttp.ClientSession(sandbox.base_url) as web:
            async with web.get("/sites/naples-honda/reviews.json") as response:
                told.append([(one["id"], one["rating"], one["text"]) for one in (await response.json())["reviews"]])
            for page, status in (("3", 200), ("4", 404), ("0", 404), ("x", 404)):
                async with web.get("/sites/naples-honda/reviews/", params={"page": page}) as response:
                    assert response.status == status
    assert told[0] == told[1]
