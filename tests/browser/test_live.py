"""The page stays open while everything behind it goes and comes back; and the panes show what happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, expect

from broker import NatsServer, free_port
from browser.fake_app import CARD
from browser.stage import Stage, picture, staged, type_in
from integration.sandbox.running import sandbox_process, slack_client
from opsloop_common.bus import Bus
from opsloop_sandbox.client import SandboxClient


async def test_the_page_outlives_the_sandbox(tmp_path: Path, browser: Browser) -> None:
    """Killed and started again: the page says that it is alone, comes back by itself, and misses nothing."""
    port = str(free_port())
    with sandbox_process(tmp_path, SANDBOX_PORT=port) as (process, url):
        async with SandboxClient(url) as sandbox, slack_client(sandbox) as slack:
            page = await Stage(url, browser, app=None, slack=slack).window()  # type: ignore[arg-type]  # no app here
            await slack.chat_postMessage(channel="C0OPS", text="before")
            await expect(page.get_by_text("before", exact=True)).to_be_visible()
        process.kill()
        await expect(page.get_by_text("Connection lost")).to_be_visible()
    with sandbox_process(tmp_path, SANDBOX_PORT=port) as (_, url):
        async with SandboxClient(url) as sandbox, slack_client(sandbox) as slack:
            await slack.chat_postMessage(channel="C0OPS", text="while it was away")
            await expect(page.locator("#sidebar .live")).to_be_visible()
            await expect(page.locator("#messages article .text")).to_have_text(["before", "while it was away"])
            await slack.chat_postMessage(channel="C0OPS", text="live again")
            await expect(page.get_by_text("live again", exact=True)).to_be_visible()
        await page.context.close()


async def test_a_lost_answer_and_a_limit_are_shown_among_the_calls(stage: Stage) -> None:
    """The operator switches a fault on; the call that it hits is marked with it; then all is well again."""
    page = await stage.window()
    await page.get_by_role("button", name="Behind the scenes").click()
    await page.get_by_role("tab", name="Operator").click()
    await expect(page.get_by_text("Not available here")).to_be_visible()
    await page.get_by_role("button", name="Outage").click()
    await expect(page.get_by_text("Switched on: lost 500")).to_be_visible()
    await picture(page, "operator")
    response = await stage.slack.session.post(f"{stage.url}/api/chat.postMessage", headers=AUTHORISED)  # type: ignore[union-attr]  # it has one
    assert response.status == 500
    await page.get_by_role("tab", name="Slack calls").click()
    await expect(page.get_by_text("fault: lost_500")).to_be_visible()
    await page.get_by_role("tab", name="Operator").click()
    await page.get_by_role("button", name="All well again").click()
    await expect(page.get_by_text("Slack behaves.")).to_be_visible()


AUTHORISED = {"Authorization": "Bearer xoxb-test"}


async def test_a_call_shows_its_answer_and_what_is_left(tmp_path: Path, browser: Browser) -> None:
    """Unfolding a call shows what was asked and what Slack said; the method's budget has shrunk by it."""
    async with staged(tmp_path, browser) as stage:
        page = await stage.window()
        await page.get_by_role("button", name="Behind the scenes").click()
        await page.get_by_role("tab", name="Slack calls").click()
        await stage.slack.chat_postMessage(channel="C0OPS", text="look at me")
        row = page.locator(".log li", has_text="chat.postMessage")
        await row.locator("summary").click()
        await expect(row.locator(".answer")).to_contain_text('"ok": true')
        await expect(page.locator(".budget", has_text="chat.postMessage")).to_contain_text("299 of 300")


async def test_events_are_shown_as_they_pass(tmp_path: Path, browser: Browser, nats_server: NatsServer) -> None:
    """What a service says on the bus stands in the list, and its box in the picture says so too."""
    async with staged(tmp_path / "sandbox", browser, NATS_URL=nats_server.url) as stage:
        page = await stage.window()
        await page.get_by_role("button", name="Behind the scenes").click()
        await expect(page.get_by_text("Nothing has passed yet")).to_be_visible()
        bus = await Bus.connect(nats_server.url, "test")
        event = {"type": "ops.task.started.v1", "source": "opsloop/orchestrator", "data": {"target": "naples-honda"}}
        await bus.client.publish("ops.evt.00.x.started", json.dumps(event).encode())
        await expect(page.locator(".log li")).to_contain_text("ops.task.started.v1")
        await expect(page.locator(".flow li", has_text="orchestrator")).to_contain_text("task.started")
        await bus.close()


async def test_the_dealers_page_is_shown_before_and_after(stage: Stage) -> None:
    """Once the site is changed, both texts stand side by side; one click brings the first back."""
    page = await stage.window()
    await page.get_by_role("button", name="Behind the scenes").click()
    await page.get_by_role("tab", name="Dealer's page").click()
    await expect(page.get_by_text("Nothing has changed on this page yet.")).to_be_visible()
    site = f"{stage.url}/sites/naples-honda/"
    session = stage.slack.session
    assert session is not None
    async with session.get(site) as response:
        etag = response.headers["ETag"]
    headers = {"Authorization": "Bearer content-token", "If-Match": etag}
    async with session.put(f"{site}content/jsonld", json={"@type": "AutoDealer"}, headers=headers) as response:
        assert response.status < 300
    await expect(page.locator("ins", has_text='"@type": "AutoDealer"')).to_be_visible()
    await expect(page.locator("del", has_text="AutoDealers")).to_be_visible()
    await picture(page, "dealer")
    await page.get_by_role("button", name="As it was found").click()
    await expect(page.get_by_text("Nothing has changed on this page yet.")).to_be_visible()


@asynccontextmanager
async def supervisor(path: Path, running: dict[str, bool]) -> AsyncIterator[None]:
    """Answers like the process that started the services, which it only pretends to stop and start."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wanted = json.loads(await reader.readline())
        answer: dict[str, Any] = {"ok": True}
        if wanted["do"] == "list":
            answer = {"services": [{"name": name, "pid": 7, "running": on} for name, on in running.items()]}
        else:
            running[wanted["name"]] = wanted["do"] == "start"
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(serve, path):
        yield


async def test_a_service_is_killed_and_started(tmp_path: Path, browser: Browser) -> None:
    """The corner shows each service, takes one away and brings it back."""
    path = tmp_path / "socket"
    running = {"notifier": True, "ingress": True}
    async with supervisor(path, running), staged(tmp_path / "d", browser, SANDBOX_SUPERVISOR=str(path)) as stage:
        page = await stage.window()
        await page.get_by_role("button", name="Behind the scenes").click()
        await page.get_by_role("tab", name="Operator").click()
        await page.get_by_role("button", name="Kill notifier").click()
        await expect(page.locator(".services li", has_text="notifier")).to_contain_text("does not run")
        assert running == {"notifier": False, "ingress": True}
        await page.get_by_role("button", name="Start notifier").click()
        await expect(page.locator(".services li", has_text="notifier")).to_contain_text("runs (7)")


async def test_the_end_stays_in_view_and_a_long_channel_is_cut(stage: Stage) -> None:
    """New messages are followed, also when a pane takes room away; who scrolled up is left in peace."""
    page = await stage.window()
    async with SandboxClient(stage.url) as sandbox:
        for number in range(230):
            await sandbox.say("U0BOB", "C0OPS", f"message {number}")
        await expect(page.get_by_text("message 229", exact=True)).to_be_in_viewport()
        await page.get_by_role("button", name="Behind the scenes").click()
        await expect(page.get_by_text("message 229", exact=True)).to_be_in_viewport()
        await expect(page.get_by_text("message 0", exact=True)).to_have_count(0)
        await page.get_by_role("button", name="Show earlier messages (30)").click()
        await expect(page.get_by_text("message 0", exact=True)).to_have_count(1)
        await page.get_by_text("message 0", exact=True).scroll_into_view_if_needed()
        await sandbox.say("U0BOB", "C0OPS", "the newest")
        await expect(page.get_by_text("the newest", exact=True)).to_be_attached()
        await expect(page.get_by_text("message 0", exact=True)).to_be_in_viewport()


async def test_a_click_is_not_lost_to_an_update(stage: Stage) -> None:
    """The button that is pressed while its message changes is still the same button, and keeps the focus."""
    page = await stage.window()
    await type_in(page, "/dealershipai status naples-honda")
    button = page.get_by_role("button", name="Delete")
    await button.focus()
    await page.mouse.move(*await _centre(button))
    await page.mouse.down()
    ts = await page.locator("#messages article").get_attribute("data-key")
    assert ts is not None
    await stage.slack.chat_update(channel="C0OPS", ts=ts, text="x", blocks=[HEADER, *CARD[1:]])
    await expect(page.get_by_role("heading", name="Changed")).to_be_visible()
    await expect(button).to_be_focused()
    await page.mouse.up()
    await expect(page.get_by_role("dialog")).to_be_visible()


HEADER = {"type": "header", "text": {"type": "plain_text", "text": "Changed"}}


async def _centre(locator: Locator) -> tuple[float, float]:
    box = await locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
