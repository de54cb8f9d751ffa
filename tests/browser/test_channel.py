"""What a newcomer does on the page: types, clicks, watches, reads."""

from playwright.async_api import Page, expect

from browser.stage import Stage, picture, type_in
from waiting import until

STATUS = "/dealershipai status naples-honda"


async def card(page: Page) -> None:
    await type_in(page, STATUS)
    await expect(page.get_by_role("button", name="Run Schema Fix")).to_be_visible()


async def test_typing_a_slash_offers_the_command(stage: Stage) -> None:
    """From the first slash to a whole command by keys alone: offered, chosen, completed, sent."""
    page = await stage.window()
    box = page.locator("#compose input")
    await expect(box).to_be_focused()
    await page.keyboard.type("/")
    options = page.get_by_role("option")
    await expect(options).to_have_count(3)
    await picture(page, "completion")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(options.first).to_contain_text(STATUS)
    await page.keyboard.press("Enter")
    await expect(box).to_have_value(STATUS)
    await expect(options).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Naples Honda")).to_be_visible()


async def test_a_click_is_watched_to_the_end(stage: Stage) -> None:
    """The bar fills to 100 % in place, and the thread tells the rest, without a reload."""
    page = await stage.window()
    await card(page)
    await page.get_by_role("button", name="Run Schema Fix").click()
    await expect(page.get_by_text("██████████ 100%")).to_be_visible()
    await expect(page.locator("#messages article")).to_have_count(2)
    await page.get_by_role("button", name="2 replies").click()
    await expect(page.locator("#thread").get_by_text("11 problems corrected")).to_be_visible()
    await picture(page, "thread")


async def test_a_suggestion_fills_the_box(stage: Stage) -> None:
    """Who has never typed a command finds one to click."""
    page = await stage.window()
    await picture(page, "welcome")
    await page.get_by_role("button", name="Look at a dealer").click()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Run Schema Fix")).to_be_visible()


async def test_a_refusal_is_for_the_one_who_asked(stage: Stage) -> None:
    """Alice reads "Only visible to you"; Bob, in his own window, sees nothing of it, yet the card that follows."""
    alice, bob = await stage.window("U0ALICE"), await stage.window("U0BOB")
    await type_in(alice, "/dealershipai help")
    await expect(alice.get_by_text("Only visible to you")).to_be_visible()
    await card(alice)
    await expect(bob.get_by_role("button", name="Run Schema Fix")).to_be_visible()
    await expect(bob.get_by_text("Only visible to you")).to_have_count(0)
    await expect(bob.locator("#messages article")).to_have_count(1)


async def test_two_people_talk(stage: Stage) -> None:
    """What one says the other reads, also in another channel, where it is announced as unread."""
    alice, bob = await stage.window("U0ALICE"), await stage.window("U0BOB")
    await type_in(alice, "a < b & *c*")
    await expect(bob.locator("#messages article .text")).to_have_text("a < b & c")
    await expect(bob.locator("#announcer")).to_contain_text("Alice Rivera")
    await alice.get_by_role("button", name="# random").click()
    await type_in(alice, "over here")
    await expect(bob.locator(".place.unread")).to_have_text("# random")


async def test_acting_as_somebody_else_shows_what_they_see(stage: Stage) -> None:
    """Bob is not in Alice's private channel, and the choice outlives a reload."""
    page = await stage.window("U0ALICE")
    await expect(page.get_by_role("button", name="leadership")).to_be_visible()
    await page.get_by_role("button", name="Bob Chen").click()
    await expect(page.get_by_role("button", name="leadership")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("button", name="Bob Chen")).to_have_attribute("aria-pressed", "true")


async def test_a_dangerous_button_asks_first(stage: Stage) -> None:
    """Keep leaves everything as it is and gives the focus back; Delete clicks."""
    page = await stage.window()
    await card(page)
    delete = page.get_by_role("button", name="Delete")
    await delete.click()
    await expect(page.get_by_role("dialog")).to_contain_text("For good.")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(delete).to_be_focused()
    assert stage.app.clicked == []
    await delete.click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await until(lambda: stage.app.clicked == ["drop"])
    await expect(page.locator("#messages article")).to_have_count(0)


async def test_an_unknown_block_is_shown_loudly(stage: Stage) -> None:
    """A block that the page cannot draw stands there in red with its JSON."""
    page = await stage.window()
    await type_in(page, "/dealershipai strange")
    note = page.get_by_role("note", name="Unknown block")
    await expect(note).to_contain_text("container")
    await expect(note).to_contain_text("child_blocks")
    colour = await note.evaluate("note => getComputedStyle(note).borderColor")
    assert colour == "rgb(211, 48, 47)"


async def test_a_wrong_command_is_told_at_once(stage: Stage) -> None:
    """A command that no app has never leaves the page."""
    page = await stage.window()
    await type_in(page, "/other thing")
    await expect(page.get_by_role("alert")).to_contain_text("/other is not a valid command")


async def test_a_click_that_the_app_ignores_leaves_a_warning(stage: Stage) -> None:
    """Who clicks what the app does not acknowledge reads so on the message."""
    page = await stage.window()
    blocks = [{"type": "actions", "elements": [{"type": "button", "action_id": "unheard", "text": plain("Hm")}]}]
    await stage.slack.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)
    await page.get_by_role("button", name="Hm").click()
    await expect(page.locator(".warning")).to_contain_text("did not respond")


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


async def test_a_thread_is_entered_and_left_by_keys(stage: Stage) -> None:
    """Enter opens the thread, a reply is typed, Escape closes it and the focus is where it was."""
    page = await stage.window()
    await type_in(page, "parent")
    reply = page.get_by_role("button", name="Reply in thread")
    await reply.focus()
    await page.keyboard.press("Enter")
    await page.locator("#thread input").fill("child")
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread article")).to_have_count(2)
    await page.keyboard.press("Escape")
    await expect(page.locator("#thread")).to_be_hidden()
    await expect(page.get_by_role("button", name="1 reply")).to_be_visible()


async def test_a_permalink_leads_inside_the_page(stage: Stage) -> None:
    """A link to a message of this workspace goes to that message, not to the web."""
    page = await stage.window()
    first = await stage.slack.chat_postMessage(channel="C0RANDOM", text="the target")
    link = await stage.slack.chat_getPermalink(channel="C0RANDOM", message_ts=str(first["ts"]))
    await stage.slack.chat_postMessage(channel="C0OPS", text=f"<{link['permalink']}|open>")
    await page.get_by_role("link", name="open").click()
    await expect(page.locator("article:focus")).to_contain_text("the target")
