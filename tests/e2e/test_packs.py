"""Tasks that behave in odd ways, from the channel's point of view."""

import asyncio

from installation import ALICE, BOB, OPS, Installation
from opsloop_sandbox.contract import SeenMessage


async def test_milestones_are_crossed_never_matched(packs: Installation) -> None:
    """A task that reports 10, 45, 70, 100 shows 20, 40, 60 and 80, then the end, in this order."""
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    done = await packs.see("reporting", "✅", "100%")
    await packs.see_reply(done.ts, "✅ Completed successfully.")
    (message,) = [one for one in await packs.messages() if one.ts == done.ts]
    lines = "\n".join(reply.text for reply in message.replies).splitlines()
    assert lines[:4] == [f"Progress: {percent}%" for percent in (20, 40, 60, 80)]
    assert lines[4].startswith("✅ Completed successfully.")


async def test_a_secret_in_a_log_line_reaches_nobody(packs: Installation) -> None:
    """The failure's log tail and View Logs show a mask where the secret stood."""
    await packs.sandbox.command(ALICE, OPS, "run failing naples")
    failed = await packs.see("failing", "❌ Error: The site timed out at step 1 (Reaching).")
    end = await packs.see_reply(failed.ts, "❌ Error:")
    assert "about to fail" in str(end.blocks)
    assert "<!channel>" not in str(await packs.messages())
    assert "&lt;!channel&gt; &amp; Sons" in str(failed.blocks)


async def test_the_second_of_two_equal_clicks_is_told_about_the_first(packs: Installation) -> None:
    """Two people at once: one task; the other is told privately, with a link to its card."""
    await asyncio.gather(
        packs.sandbox.command(ALICE, OPS, "run reporting naples"),
        packs.sandbox.command(BOB, OPS, "run reporting naples"),
    )
    await packs.see("reporting", "✅")
    private: list[SeenMessage] = []

    async def told() -> bool:
        private[:] = [one for user in (ALICE, BOB) for one in await packs.messages(user) if one.ephemeral]
        return bool(private)

    await packs.until(told, "a private answer")
    assert len(private) == 1
    assert "already queued or running" in private[0].text


async def test_a_task_that_may_not_be_repeated_ends_as_unknown(packs: Installation) -> None:
    """Its orchestrator is killed in the middle: nobody knows whether it took effect, and the card says so."""
    await packs.sandbox.command(ALICE, OPS, "run blocking naples")
    await packs.see("blocking", "▶️")
    await packs.end("orchestrator")
    await packs.start_one("orchestrator")
    unknown = await packs.see("blocking", "❓", seconds=40)
    await packs.see_reply(unknown.ts, "Outcome unknown")


async def test_a_sensitive_task_runs_for_a_verified_person_alone(packs: Installation) -> None:
    """Alice is verified. Bob is told why he is not and whom to ask, alone, and nothing runs."""
    await packs.sandbox.command(BOB, OPS, "run locked naples")
    refusal = await packs.see("for verified people only", user=BOB)
    assert refusal.ephemeral
    assert await packs.messages(ALICE) == []
    await packs.sandbox.command(ALICE, OPS, "run locked naples")
    await packs.see("locked for naples", "✅")
