"""Slack does late what it seemed not to do, and refuses a token for a while: the channel ends up right."""

from installation import ALICE, OPS, Installation

SOON = {"NOTIFIER_SETTLE_SECONDS": "1", "NOTIFIER_SWEEPS_SECONDS": "4,9"}


async def hurried(loop: Installation, **more: str) -> None:
    """The notifier again, looking soon at what others look at after minutes."""
    await loop.end("notifier")
    await loop.start_one("notifier", **SOON, **more)


async def test_a_post_that_lands_after_it_was_repeated_is_taken_away(loop: Installation) -> None:
    """One card in the end, though Slack stored two."""
    await hurried(loop)
    await loop.ready("notifier")
    await loop.sandbox.fault("chat.postMessage", "slow_landing", nth=1, seconds=7)
    await loop.sandbox.command(ALICE, OPS, "run ugc_audit naples-honda")
    await loop.see("ugc_audit for naples-honda", "✅", seconds=30)

    async def landed_and_gone() -> bool:
        calls = await loop.sandbox.calls()
        landed = [call for call in calls if call.method == "chat.postMessage" and call.landed is not None]
        cards = [one for one in await loop.messages() if "ugc_audit for naples-honda" in one.text]
        return bool(landed) and len([one for one in cards if not one.deleted]) == 1

    await loop.until(landed_and_gone, "the late copy to come and go", 30)


async def test_an_update_that_lands_after_the_end_is_drawn_over(loop: Installation) -> None:
    """The card says what the task came to, though Slack stored an older view last."""
    await hurried(loop)
    await loop.ready("notifier")
    await loop.sandbox.fault("chat.update", "slow_landing", nth=1, seconds=6)
    await loop.sandbox.change_site("tampa-chevrolet", mode="slow", seconds=0.6)
    await loop.sandbox.command(ALICE, OPS, "run schema_restore tampa-chevrolet")
    await loop.sandbox.command(ALICE, OPS, "run ugc_audit tampa-chevrolet")
    await loop.see("ugc_audit for tampa-chevrolet", "✅", seconds=30)

    async def landed() -> bool:
        return any(call.method == "chat.update" and call.landed is not None for call in await loop.sandbox.calls())

    await loop.until(landed, "the late update", 20)


async def test_a_refused_token_stops_sending_until_its_file_holds_a_good_one(loop: Installation) -> None:
    """Nothing is lost meanwhile, and nobody restarts anything."""
    kept = loop.folder / "token"
    kept.write_text("xoxb-a-token-that-was-revoked\n")
    await hurried(loop, SLACK_BOT_TOKEN="", SLACK_BOT_TOKEN_FILE=str(kept))
    await loop.sandbox.command(ALICE, OPS, "run ugc_audit naples-honda")

    async def refused() -> bool:
        return "Slack refuses the bot token" in loop.log_of("notifier")

    await loop.until(refused, "the refusal in the log", 10)
    assert not [one for one in await loop.messages() if "ugc_audit" in one.text]
    kept.write_text("xoxb-test-token-for-the-sandbox\n")
    await loop.see("ugc_audit for naples-honda", "✅", seconds=30)
