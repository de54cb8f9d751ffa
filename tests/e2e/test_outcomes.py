"""Outcomes nobody knows, tries by themselves and silence, from the channel's point of view."""

import asyncio

from e2e.test_loop import labels
from installation import ALICE, BOB, OPS, Installation
from opsloop_sandbox.contract import SeenMessage


async def newest(packs: Installation, ts: str) -> SeenMessage:
    return next(message for message in await packs.messages() if message.ts == ts)


async def test_somebody_says_that_it_happened(packs: Installation) -> None:
    """The card asks; one click settles it for everybody, and the second is told privately that it came too late."""
    await packs.sandbox.command(ALICE, OPS, "run mortal_unprobed naples")
    card = await packs.see("mortal_unprobed", "❓", "may or may not have taken effect")
    assert labels(card)[:2] == ["✅ It Happened", "🔁 It Did Not, Run Again"]
    await packs.see_reply(card.ts, "❓ Outcome unknown")
    await asyncio.gather(*(packs.sandbox.click(ALICE, OPS, card.ts, "task.happened") for _ in range(2)))
    done = await packs.see("mortal_unprobed", "✅ Completed – alice confirmed that it happened", "100%")
    assert done.ts == card.ts
    await packs.see_reply(card.ts, "✅ alice confirmed that it happened. It counts as completed.")
    assert (await packs.see("belongs to an earlier state", user=ALICE)).ephemeral
    assert not any("Happened" in label or "Run Again" in label for label in labels(await newest(packs, card.ts)))


async def test_somebody_says_that_it_did_not_and_it_runs_again(packs: Installation) -> None:
    """A stranger is told that it is not theirs to say; then it is attempt 2 of the same card, after a question."""
    await packs.sandbox.command(ALICE, OPS, "run mortal_unprobed naples")
    card = await packs.see("mortal_unprobed", "❓")
    await packs.sandbox.click(BOB, OPS, card.ts, "task.rerun")
    assert (await packs.see("Only whoever started", user=BOB)).ephemeral
    assert "Run it again?" in str((await newest(packs, card.ts)).blocks)
    await packs.sandbox.click(ALICE, OPS, card.ts, "task.rerun")
    done = await packs.see("mortal_unprobed", "attempt 2", "✅")
    assert done.ts == card.ts
    await packs.see_reply(card.ts, "❓ Outcome unknown")
    await packs.see_reply(card.ts, "✅ Completed successfully.")


async def test_what_can_be_found_out_asks_nobody(packs: Installation) -> None:
    """Its process was lost after the effect, and its probe says so on the card."""
    await packs.sandbox.command(ALICE, OPS, "run mortal naples")
    card = await packs.see("mortal", "✅", "had taken effect before its process was lost")
    await packs.see_reply(card.ts, "✅ Completed successfully.")


async def test_a_failure_that_is_tried_again_says_when_and_keeps_its_thread(packs: Installation) -> None:
    """Each failed try has its end in the thread; the card ends with the try that worked."""
    await packs.sandbox.command(ALICE, OPS, "run flaky naples")
    card = await packs.see("flaky", "❌ Error: The site was away", "🔁 It will be tried again", "(try 2 of 3)")
    assert labels(card)[:2] == ["🔁 Retry Task", "🛑 Stop Retrying"]
    done = await packs.see("flaky", "attempt 3", "✅")
    assert done.ts == card.ts
    await packs.see_reply(card.ts, "(try 2 of 3)")
    await packs.see_reply(card.ts, "(try 3 of 3)")
    assert "<@U0ALICE>" not in str((await newest(packs, card.ts)).replies)


async def test_a_silent_task_is_shown_as_stalled_until_its_next_sign_of_life(packs: Installation) -> None:
    """It is not called failed, and it ends as it would have."""
    await packs.sandbox.command(ALICE, OPS, "run mute naples")
    card = await packs.see("mute", "💤 Running – no sign of life for more than")
    done = await packs.see("mute", "✅")
    assert done.ts == card.ts
