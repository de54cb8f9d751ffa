"""Modals and the app's home on the page."""

from playwright.async_api import Page, expect

from browser.fake_app import MODAL
from browser.stage import Stage, picture, type_in
from opsloop_sandbox.client import SandboxClient
from waiting import until


async def modal(page: Page) -> None:
    await type_in(page, "/dealershipai status naples-honda")
    await page.get_by_role("button", name="With parameters").click()
    await expect(page.get_by_role("dialog", name="Parameters")).to_be_visible()


async def test_a_modal_is_corrected_and_submitted(stage: Stage) -> None:
    """Empty fields and the app's own objection stand beside the field; then it goes through and closes."""
    page = await stage.window()
    await modal(page)
    reason = page.get_by_label("Reason")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("#input-reason-error")).to_contain_text("required")
    await expect(reason).to_be_focused()
    await reason.fill("x")
    await page.get_by_label("Safe").check()
    await page.keyboard.press("Enter")
    await expect(page.locator("#input-reason-error")).to_have_text("Say a little more")
    await expect(reason).to_have_attribute("aria-invalid", "true")
    await picture(page, "modal")
    await reason.fill("because it is broken")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await until(lambda: bool(stage.app.submitted))
    values = stage.app.submitted[0]
    assert values["reason"]["text"]["value"] == "because it is broken"
    assert values["how"]["choice"]["selected_option"]["value"] == "safe"


async def test_escape_leaves_a_modal(stage: Stage) -> None:
    """Escape closes it, and the focus is back on the button that opened it."""
    page = await stage.window()
    await modal(page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="With parameters")).to_be_focused()


async def test_the_home_is_empty_until_it_is_published(stage: Stage) -> None:
    """First a friendly word, then, without a reload, what the app put there."""
    page = await stage.window()
    await page.get_by_role("button", name="OpsLoop").click()
    await expect(page.get_by_text("has not put anything here yet")).to_be_visible()
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "Your tasks"}}]
    await stage.slack.views_publish(user_id="U0ALICE", view={"type": "home", "blocks": blocks})
    await expect(page.get_by_role("heading", name="Your tasks")).to_be_visible()
    await stage.slack.chat_postMessage(channel="U0ALICE", text="for you alone")
    await page.get_by_role("button", name="Messages").click()
    await expect(page.get_by_text("for you alone")).to_be_visible()


async def test_an_update_keeps_what_was_filled_in(stage: Stage) -> None:
    """The app changes the open modal; the fields that stay keep their content."""
    page = await stage.window()
    await modal(page)
    await page.get_by_label("Reason").fill("half a thought")
    async with SandboxClient(stage.url) as sandbox:
        shown = (await sandbox.views("U0ALICE")).modal
    assert shown is not None
    changed = {**MODAL, "title": {"type": "plain_text", "text": "Changed"}}
    await stage.slack.views_update(view_id=str(shown["id"]), view=changed)
    await expect(page.get_by_role("dialog", name="Changed")).to_be_visible()
    await expect(page.get_by_label("Reason")).to_have_value("half a thought")
