"""Whatever Slack does, each task converges to one message with its last state: against the sandbox's faults."""

import signal

import pytest

from installation import ALICE, OPS, Installation


async def settled(packs: Installation) -> None:
    """The checker finds nothing, and nothing is to be looked at again."""

    async def nothing_left() -> bool:
        assert packs.bus is not None
        left = [one for one in await packs.bus.newest_of_each("KV_CHECKS", "$KV.CHECKS.>") if one.data]
        return not left and await packs.broken_invariants(0) == []

    try:
        await packs.until(nothing_left, "one message, and no checks", 40)
    except AssertionError:
        assert await packs.broken_invariants(0) == []
        raise


async def calls(packs: Installation, method: str) -> int:
    return sum(call.method == method for call in await packs.sandbox.calls())


async def test_a_post_that_lands_late_is_one_message_in_the_end(packs: Installation) -> None:
    """Slack said 500 and stored the card seconds later, when it had been posted again."""
    await packs.sandbox.fault("chat.postMessage", "slow_landing", nth=1, seconds=4.5)
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    await packs.see("reporting for naples", "✅", seconds=30)

    async def deleted() -> bool:
        return await calls(packs, "chat.delete") == 1

    await packs.until(deleted, "the copy to be deleted", 20)
    await settled(packs)


async def test_a_reply_that_lands_late_is_one_reply_in_the_end(packs: Installation) -> None:
    """In the thread as in the channel."""
    await packs.sandbox.fault("chat.postMessage", "slow_landing", nth=2, seconds=4.5)
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    await packs.see("reporting for naples", "✅", seconds=30)

    async def deleted() -> bool:
        return await calls(packs, "chat.delete") == 1

    await packs.until(deleted, "the copy to be deleted", 20)
    await settled(packs)


async def test_an_update_that_lands_late_does_not_stay(packs: Installation) -> None:
    """Slack said 500 and showed the older state after the end: the end stands there again."""
    await packs.sandbox.command(ALICE, OPS, "run patient naples")
    card = await packs.see("patient for naples", "▶️")
    await packs.sandbox.fault("chat.update", "slow_landing", nth=1, seconds=2.5)
    await packs.sandbox.click(ALICE, OPS, card.ts, "task.cancel")
    await packs.see("patient for naples", "🚫", seconds=20)

    async def landed() -> bool:
        return any(call.landed is not None for call in await packs.sandbox.calls())

    await packs.until(landed, "the late update", 20)
    await settled(packs)


async def test_a_history_that_lags_makes_one_message_in_the_end(packs: Installation) -> None:
    """The card was stored, its answer lost, and it could not be read back for a while."""
    await packs.sandbox.fault("chat.postMessage", "stored_then_reset", nth=1)
    await packs.sandbox.fault("conversations.history", "history_lag", nth=1, times=3, seconds=10)
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    await packs.see("reporting for naples", "✅", seconds=30)
    await settled(packs)


async def test_a_call_that_hangs_is_one_message_in_the_end(packs: Installation) -> None:
    """No answer at all until we gave up, though Slack had stored it."""
    await packs.sandbox.fault("chat.postMessage", "hang", nth=1, seconds=12)
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    await packs.see("reporting for naples", "✅", seconds=40)
    await settled(packs)


async def test_limited_reads_only_delay(packs: Installation) -> None:
    """429 on every way to read back, for a while."""
    await packs.sandbox.fault("chat.postMessage", "stored_then_500", nth=1)
    await packs.sandbox.fault("conversations.history", "ratelimited", nth=1, times=3, retry_after=1)
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    await packs.see("reporting for naples", "✅", seconds=40)
    await settled(packs)


async def test_a_revoked_token_stops_and_resumes_by_itself(packs: Installation) -> None:
    """Everything stays owed while Slack refuses the token; nothing is restarted."""
    await packs.sandbox.command(ALICE, OPS, "run patient naples")
    card = await packs.see("patient for naples", "▶️")
    await packs.sandbox.fault("*", "error", nth=1, times=10_000, code="token_revoked")
    await packs.sandbox.click(ALICE, OPS, card.ts, "task.cancel")

    async def stopped() -> bool:
        return "nothing is sent until it is valid again" in packs.log_of("notifier")

    await packs.until(stopped, "the notifier to notice", 15)
    refused = await calls(packs, "chat.update")
    checked = await calls(packs, "auth.test")

    async def asked_again() -> bool:
        return await calls(packs, "auth.test") >= checked + 2

    await packs.until(asked_again, "the token to be tried again", 15)
    assert await calls(packs, "chat.update") == refused
    await packs.sandbox.clear_faults()
    await packs.see("patient for naples", "🚫", seconds=20)
    await settled(packs)


async def test_a_new_token_in_its_file_is_taken_up(packs: Installation) -> None:
    """The notifier started with a token that Slack refuses; a new one is put into the file."""
    await packs.end("notifier")
    file = packs.folder / "token"
    file.write_text("xoxb-a-token-that-was-revoked\n")
    await packs.start_one("notifier", SLACK_BOT_TOKEN="", SLACK_BOT_TOKEN_FILE=str(file))
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")

    async def refused() -> bool:
        return "Slack refuses the bot token: invalid_auth" in packs.log_of("notifier")

    await packs.until(refused, "the token to be refused", 15)
    file.write_text(packs.environment()["SLACK_BOT_TOKEN"] + "\n")
    await packs.see("reporting for naples", "✅", seconds=30)
    await settled(packs)


@pytest.mark.parametrize(
    "point",
    [
        "before chat.postMessage#1",
        "after the bytes of chat.postMessage left#1",
        "after chat.postMessage answered#1",
        "after the bytes of chat.postMessage left#2",
        "after chat.postMessage answered#2",
        "after the bytes of chat.update left#1",
        "before conversations.history#1",
    ],
)
async def test_a_killed_notifier_leaves_nothing_undecided(packs: Installation, point: str) -> None:
    """kill -9 around each of its calls; the next one completes the record and the message."""
    # Told to stop it leaves its partitions at once: after a lapse the task could be over before its first view.
    await packs.end("notifier", signal.SIGTERM)
    await packs.start_one("notifier", OPSLOOP_CRASH_AT=point, OPSLOOP_CRASH_RECORD=str(packs.folder / "crossings"))
    await packs.ready("notifier")
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")

    async def died() -> bool:
        file = packs.folder / "crossings"
        return file.exists() and f"died {point}" in file.read_text()

    await packs.until(died, f"the notifier to die {point}", 30)
    await packs.end("notifier")
    await packs.start_one("notifier")
    await packs.see("reporting for naples", "✅", seconds=40)
    await settled(packs)
