"""The pages of runs over HTTP, on a real broker: what they show, to whom, and what they never show."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from broker import NatsServer
from opsloop_common.bus import Bus
from opsloop_common.subjects import Subjects
from run_pages import DONE, FAILED, HIDDEN, ID, OTHER, QUEUED, RUNNING, RunPages, run_pages, texts
from waiting import until


@pytest.fixture
async def pages(bus: Bus, subjects: Subjects) -> AsyncIterator[RunPages]:
    async with run_pages(bus, subjects, bus) as found:
        yield found


async def test_a_finished_run_is_told_whole(pages: RunPages) -> None:
    """State, steps with their times, numbers, who, parameters, lineage, the earlier attempt, log and a file."""
    await pages.happen(("queued", QUEUED), ("started", RUNNING), ("step", RUNNING), ("failed", FAILED))
    await pages.happen(("succeeded", DONE))
    await pages.say("Step 1: Schema detected", "GET naples-honda: 200")
    await pages.keep("Findings collected", 2, {"file": {"csv": "kind,review\r\nburst,7\r\n"}})
    status, html, headers = await pages.get(pages.link())
    assert status == 200
    for part in (
        "Completed", "100%", "attempt 2", "3 problems corrected", "One source was not read", "added &lt;geo&gt;",
        "$1,707.11", "$8,058.44", "U0ALICE", "Findings collected", "Reported", "Step 1: Schema detected",
        "Attempt 1: failed. Schema validation timeout", "ugc_audit", "was not started: not permitted",
        "ai_score_recompute", "findings ä.csv",
    ):  # fmt: skip
        assert part in html, part
    assert "<script>alert" not in html
    assert "<b>Honda" not in html
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"
    status, text, headers = await pages.get(pages.link(path="/files/0"))
    assert (status, text) == (200, "kind,review\r\nburst,7\r\n")
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''findings%20%C3%A4.csv"
    assert (await pages.get(pages.link(path="/files/1")))[0] == 404


async def test_the_log_as_text_is_what_the_page_and_a_failed_card_show(pages: RunPages) -> None:
    """Every line in order, redacted once more on its way out."""
    await pages.happen(("queued", QUEUED), ("started", RUNNING), ("failed", FAILED))
    await pages.say("first", f"token {HIDDEN} here", "<i>last</i>")
    _, text, headers = await pages.get(pages.link(path="/log.txt"))
    assert text == "first\ntoken [redacted] here\n<i>last</i>\n"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    _, html, _ = await pages.get(pages.link())
    assert HIDDEN not in html
    assert "&lt;i&gt;last&lt;/i&gt;" in html


@pytest.mark.parametrize("path", ["", "/live", "/log.txt", "/files/0"])
async def test_a_link_that_does_not_admit_shows_nothing(pages: RunPages, path: str) -> None:
    """Forged, of another run, without a signature, expired: each says so, and not a word of the run."""
    await pages.happen(("queued", QUEUED))
    await pages.say("a line of the log")
    good = pages.link(path=path)
    until_old = datetime.now(UTC) - timedelta(days=15)
    for address, status, said in (
        (good[:-1] + ("0" if good[-1] != "0" else "1"), 403, "not valid"),
        (pages.link(OTHER, path=path).replace(OTHER, ID), 403, "not valid"),
        (f"/runs/{ID}{path}", 403, "not valid"),
        (f"/runs/{ID}{path}?until=99999999999&sig=", 403, "not valid"),
        (pages.link(made=until_old, path=path), 410, "expired"),
        (pages.link(OTHER, path=path), 404, "no longer kept"),
    ):
        found, html, _ = await pages.get(address)
        assert (found, said in html) == (status, True), (address, html)
        assert "schema_fix" not in html
        assert "a line of the log" not in html


async def test_a_running_one_is_followed_to_its_end(pages: RunPages) -> None:
    """New lines come one after the other, the state as it changes; then it ends."""
    await pages.happen(("queued", QUEUED), ("started", RUNNING))
    await pages.say("first")
    lines: list[str] = []
    states: list[str] = []

    async def follow() -> None:
        async for name, data in pages.events_of(pages.link(path="/live") + "&after=0"):
            if name == "log" and isinstance(data, list):
                lines.extend(texts(data))
            if name == "state":
                states.append(str(data))
            if name == "end":
                return

    following = asyncio.create_task(follow())
    await until(lambda: len(lines) == 1)
    await pages.say("second", "third")
    await until(lambda: len(lines) == 3)
    await pages.happen(("failed", FAILED))
    await asyncio.wait_for(following, 10)
    assert lines == ["first", "second", "third"]
    assert "Running" in states[0]
    assert "Failed" in states[-1]


async def test_nobody_can_read_what_is_no_run_or_while_the_broker_is_away(
    bus: Bus, subjects: Subjects, nats_server: NatsServer
) -> None:
    """A page says "not now" instead of an error; other methods and paths are refused."""
    async with run_pages(None, subjects, bus) as early:
        assert (await early.get(early.link()))[0] == 503
    async with run_pages(bus, subjects, bus) as pages:
        assert (await pages.get("/runs/assets/run.js"))[0] == 200
        assert (await pages.get("/runs/assets/page.html"))[0] == 404
        assert (await pages.get("/runs/" + "x" * 300))[0] == 403
        nats_server.kill()
        assert (await pages.get(pages.link()))[0] == 503
