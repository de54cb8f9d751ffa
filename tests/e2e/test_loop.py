"""The loop as its users meet it: real processes, a real broker, the sandbox for Slack."""

import asyncio
import html
import signal

import aiohttp
import pytest

from broker import NatsServer
from installation import ALICE, BOB, OPS, Installation
from opsloop_sandbox.contract import SeenMessage
from opsloop_sandbox.json_value import as_text, walk


def labels(message: SeenMessage) -> list[str]:
    """The texts of a message's buttons."""
    found = []
    for block in message.blocks:
        elements = block.get("elements", [])
        for element in elements if isinstance(elements, list) else []:
            if isinstance(element, dict) and element.get("type") == "button":
                found.append(str(element["text"]["text"]))
    return found


def link(message: SeenMessage, action: str) -> str:
    """Where a link button of the message leads."""
    return next(str(one["url"]) for one in walk(list(message.blocks)) if one.get("action_id") == action)


def tail_of(reply: SeenMessage) -> list[str]:
    """The log lines in a failed task's last reply."""
    texts = [as_text(one.get("text")) for one in walk(list(reply.blocks)) if "```" in as_text(one.get("text"))]
    return html.unescape(texts[0]).strip("`").splitlines()


async def test_one_click_from_status_to_a_repaired_page(loop: Installation) -> None:
    """Command, card, click, bar, thread, completion; the page is really repaired, by one effect."""
    delivery = await loop.sandbox.command(ALICE, OPS, "status naples-honda")
    assert (delivery.status, delivery.shown) == (200, None)
    card = await loop.see("naples-honda")
    assert "Run Schema Fix" in labels(card)
    before = await loop.sandbox.site("naples-honda")
    await loop.sandbox.click(ALICE, OPS, card.ts, "task.run.schema_fix")
    done = await loop.see("schema_fix", "naples-honda", "✅", "100%")
    assert done.ts != card.ts
    await loop.see_reply(done.ts, "✅ Completed successfully.")
    assert "by alice" in str(done.blocks)
    said = [one for message in await loop.messages() for one in (message, *message.replies)]
    assert not any("<@" in one.text + str(one.blocks) for one in said)
    site = await loop.sandbox.site("naples-honda")
    assert [put.effect for put in site.puts] == [True]
    assert site.jsonld != before.jsonld
    assert '"AutoDealer"' in (site.jsonld or "")
    thread = "\n".join(reply.text for message in await loop.messages() for reply in message.replies)
    for percent, name in ((20, "Schema detected"), (40, "Validation started"), (60, "Processing"), (80, "Injected")):
        assert f"Progress: {percent}% – {name}" in thread

    async def shown_on_card() -> bool:
        newest = next(message for message in await loop.messages() if message.ts == card.ts)
        return "completed" in str(newest.blocks) and "Run Schema Fix" in labels(newest)

    await loop.until(shown_on_card, "the status card to show its task")


async def test_a_failure_shows_why_its_log_and_retry_which_works_once(loop: Installation) -> None:
    """The error sentence, the log tail, a mention; Retry is attempt 2 on the same card; a second click does nothing."""
    await loop.sandbox.command(ALICE, OPS, "run schema_fix orlando-ford")
    failed = await loop.see("schema_fix", "orlando-ford", "❌ Error:", seconds=20)
    assert labels(failed)[:2] == ["🔁 Retry Task", "🔍 View Logs"]
    end = await loop.see_reply(failed.ts, "<@U0ALICE>")
    assert "```" in str(end.blocks)
    await loop.sandbox.change_site("orlando-ford", mode="ok")
    for clicked in await asyncio.gather(
        loop.sandbox.click(ALICE, OPS, failed.ts, "task.retry"),
        loop.sandbox.click(BOB, OPS, failed.ts, "task.retry"),
    ):
        assert clicked.status == 200
    again = await loop.see("orlando-ford", "✅", "attempt 2")
    assert again.ts == failed.ts
    await loop.see_reply(failed.ts, "✅ Completed successfully.")
    await loop.sandbox.click(ALICE, OPS, failed.ts, "task.logs")
    newest = next(message for message in await loop.messages() if message.ts == failed.ts)
    async with aiohttp.ClientSession() as session, session.get(link(newest, "task.logs")) as response:
        page = await response.text()
    tail = [line for line in tail_of(end) if line]
    assert response.status == 200
    assert tail
    assert all(line in html.unescape(page) for line in tail)
    assert "Attempt 1: failed" in page


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("status", "run", "schema_fix")),
        ("help", ("status", "run", "schema_fix")),
        ("staus naples-honda", ("staus",)),
        ("status naples-hnda", ("naples-hnda", "naples-honda")),
        ("run schema_fxi naples-honda", ("schema_fxi", "schema_fix")),
        ("run", ("run",)),
        ("status", ("status",)),
        ('status na"p{l}e.s*> <!here> `x`', ("na",)),
    ],
)
async def test_a_mistake_is_answered_privately_with_the_nearest(
    loop: Installation, text: str, parts: tuple[str, ...]
) -> None:
    """Only the person who asked sees it, it names the mistake, and nothing of it is interpreted by Slack."""
    await loop.sandbox.command(ALICE, OPS, text)

    async def answered() -> bool:
        return bool(await loop.messages())

    await loop.until(answered, "an answer")
    (answer,) = await loop.messages()
    assert answer.ephemeral
    assert await loop.messages(BOB) == []
    whole = answer.text + str(answer.blocks)
    assert all(part in whole for part in parts)
    assert "<!here" not in whole


async def test_a_click_delivered_three_times_is_one_task(loop: Installation) -> None:
    """The identical request, repeated, becomes one task and one message."""
    await loop.sandbox.command(ALICE, OPS, "status tampa-chevrolet", repeat=2)
    card = await loop.see("tampa-chevrolet")
    await loop.sandbox.click(ALICE, OPS, card.ts, "task.run.schema_fix", repeat=3)
    await loop.see("schema_fix", "tampa-chevrolet", "✅")
    shown = [message.text for message in await loop.messages() if not message.ephemeral]
    # What follows a success has cards of its own, which may be there already.
    assert len([text for text in shown if text.startswith("Status of")]) == 1, await loop.channel_text()
    assert len([text for text in shown if text.startswith("schema_fix for")]) == 1, await loop.channel_text()


async def test_where_the_bot_is_no_member_the_requester_is_told_what_to_do(loop: Installation) -> None:
    """A private channel without the bot: the answer comes privately and says how to invite it."""
    await loop.sandbox.command(ALICE, "G0PRIVATE", "status naples-honda")
    told = await loop.see("/invite", channel="G0PRIVATE")
    assert told.ephemeral
    await loop.sandbox.command(ALICE, "G0PRIVATE", "run schema_fix naples-honda")
    told = await loop.see("/invite", channel="@me")
    await loop.sandbox.command(ALICE, OPS, "status naples-honda")
    await loop.see("naples-honda")


async def test_a_killed_notifier_continues_in_the_same_thread(loop: Installation) -> None:
    """kill -9 while a task runs: the same message ends right, nothing is posted twice."""
    await loop.sandbox.command(ALICE, OPS, "run schema_fix orlando-ford")
    await loop.see("orlando-ford", "▶️")
    await loop.end("notifier")
    await asyncio.sleep(0)
    await loop.start_one("notifier")
    failed = await loop.see("orlando-ford", "❌", seconds=20)
    await loop.see_reply(failed.ts, "❌", seconds=20)


async def test_a_killed_orchestrator_s_task_is_taken_up_again(loop: Installation) -> None:
    """kill -9 in the middle of an idempotent task: it is resumed and ends right."""
    await loop.sandbox.change_site("tampa-chevrolet", mode="slow", seconds=2)
    await loop.sandbox.command(ALICE, OPS, "run schema_fix tampa-chevrolet")
    await loop.see("tampa-chevrolet", "▶️")
    await loop.end("orchestrator")
    await loop.start_one("orchestrator")
    await loop.see("tampa-chevrolet", "✅", seconds=40)


async def test_a_lost_answer_of_slack_posts_nothing_twice(loop: Installation) -> None:
    """Slack stored the message and the answer was lost: it is found again, not posted again."""
    await loop.sandbox.fault("chat.postMessage", "stored_then_reset", nth=1)
    await loop.sandbox.fault("chat.postMessage", "stored_then_500", nth=3)
    await loop.sandbox.command(ALICE, OPS, "run schema_fix naples-honda")
    done = await loop.see("naples-honda", "✅", seconds=30)
    await loop.see_reply(done.ts, "✅ Completed successfully.", seconds=40)


async def test_a_429_delays_and_never_drops_the_end(loop: Installation) -> None:
    """Limited again and again, the card still ends at 100 %."""
    await loop.sandbox.fault("chat.update", "ratelimited", nth=1, times=3, retry_after=1)
    await loop.sandbox.fault("chat.postMessage", "ratelimited", nth=2, times=2, retry_after=1)
    await loop.sandbox.command(ALICE, OPS, "run schema_fix naples-honda")
    await loop.see("naples-honda", "✅", "100%", seconds=30)


async def test_clicks_while_the_broker_is_away_are_refused_and_work_afterwards(
    loop: Installation, nats_server: NatsServer
) -> None:
    """No broker: Slack shows an error, nothing is half done; after its return the same words work."""
    nats_server.kill()
    delivery = await loop.sandbox.command(ALICE, OPS, "status naples-honda")
    assert delivery.status == 503
    nats_server.start()

    async def works() -> bool:
        return (await loop.sandbox.command(ALICE, OPS, "run schema_fix naples-honda")).status == 200

    await loop.until(works, "ingress to take commands again", 15)
    await loop.see("naples-honda", "✅", seconds=30)


async def test_a_broker_killed_while_a_task_runs_loses_nothing(loop: Installation, nats_server: NatsServer) -> None:
    """The task goes on, or is taken up again, and ends right."""
    await loop.sandbox.change_site("tampa-chevrolet", mode="slow", seconds=1)
    await loop.sandbox.command(ALICE, OPS, "run schema_fix tampa-chevrolet")
    await loop.see("tampa-chevrolet", "▶️")
    nats_server.kill()
    nats_server.start()
    await loop.see("tampa-chevrolet", "✅", seconds=60)


async def test_services_end_within_two_seconds_of_sigterm(loop: Installation) -> None:
    """A stop is clean: exit code 0, no traceback."""
    for name in ("ingress", "orchestrator", "notifier", "metrics"):
        began = asyncio.get_running_loop().time()
        assert await loop.end(name, signal.SIGTERM) == 0, loop.log_of(name)[-2000:]
        assert asyncio.get_running_loop().time() - began < 2
        assert "Traceback" not in loop.log_of(name), loop.log_of(name)[-3000:]
