"""The broker as the weak part: it delivers everything again, freezes, fills up, or loses its streams."""

import asyncio
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import aiohttp
import msgspec
import nats.errors

from installation import ALICE, OPS, Installation
from opsloop_command import command
from opsloop_common.bus import streams

WRITES = {"chat.postMessage", "chat.update", "chat.postEphemeral", "chat.delete", "response_url"}


async def metric(installation: Installation, name: str) -> str:
    """The lines of a series, as the metrics service shows it."""
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{installation.ports['metrics']}/metrics"
        async with session.get(url) as response:
            return "\n".join(sorted(re.findall(rf"^{name}.*$", await response.text(), re.MULTILINE)))


async def caught_up(installation: Installation) -> bool:
    """Whether every consumer has had everything and acknowledged it."""
    assert installation.bus is not None
    js = installation.bus.client.jetstream()
    for plan in streams.topology(installation.subjects).consumers:
        try:
            info = await js.consumer_info(plan.stream, plan.name)
        except (nats.errors.Error, TimeoutError):
            return False
        if info.num_pending or info.num_ack_pending:
            return False
    return True


async def written(installation: Installation) -> list[str]:
    """What was written in channels, and the words of the page: publishing it again says the same."""
    page = (await installation.sandbox.views(ALICE)).home or {}
    words = re.findall(r"'text': '[^']*'", str(page.get("blocks")))
    calls = [call.method for call in await installation.sandbox.calls() if call.method in WRITES]
    return [*calls, *words]


async def a_day(packs: Installation) -> None:
    """A task, a chain, a failure with its retry, a status card, private answers, a page and a link click."""
    await packs.sandbox.event("app_home_opened", user=ALICE, event={"tab": "home", "channel": "D0ALICE"})
    for words, shown in (
        ("status naples", "naples"),
        ("run first naples", "first for naples"),
        ("run failing tampa", "❌"),
        ("help", "status"),
        ("tasks", "reporting"),
        ("task 07-aaaaaaaaaaaaaaaaaaaa", "07-aaaaaaaaaaaaaaaaaaaa"),
    ):
        await packs.sandbox.command(ALICE, OPS, words)
        await packs.see(shown)
    failed = await packs.see("failing for tampa", "❌")
    await packs.sandbox.click(ALICE, OPS, failed.ts, "task.retry")
    await packs.see("failing for tampa", "attempt 2", "✅")
    await packs.see("reporting for naples", "✅")


async def test_a_rewind_of_every_consumer_changes_nothing_visible(packs: Installation) -> None:
    """Each durable is made anew and delivers its whole history: no event, no call to Slack, no count more."""
    await a_day(packs)
    assert await packs.broken_invariants() == []
    await packs.until(lambda: caught_up(packs), "everything acknowledged")
    assert packs.bus is not None
    newest = await packs.bus.last("EVT", "ops.evt.>")
    before = (await written(packs), await metric(packs, "slack_actions_total"), await metric(packs, "task_runs_total"))
    js = packs.bus.client.jetstream()
    for plan in streams.topology(packs.subjects).consumers:
        await js.delete_consumer(plan.stream, plan.name)
    await streams.provision(packs.bus, packs.subjects)
    await packs.until(lambda: caught_up(packs), "the history delivered again", 30)
    after = (await written(packs), await metric(packs, "slack_actions_total"), await metric(packs, "task_runs_total"))
    assert Counter(after[0]) == Counter(before[0])
    assert after[1:] == before[1:]
    assert await packs.bus.last("EVT", "ops.evt.>") == newest


async def test_a_killed_broker_that_delivers_again_under_load(packs: Installation) -> None:
    """kill -9 in the middle of many requests, twice: each is one task or one answer, and seen once."""

    async def ask(number: int) -> None:
        await packs.sandbox.command(ALICE, OPS, "help" if number % 2 else f"task 07-{'a' * 20}")

    for _ in range(2):
        asking = [asyncio.create_task(ask(number)) for number in range(30)]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        packs.nats.kill()
        packs.nats.start()
        await asyncio.gather(*asking, return_exceptions=True)
    await packs.until(lambda: caught_up(packs), "everything acknowledged", 30)
    private = [call for call in await packs.sandbox.calls() if call.method == "response_url"]
    # At least once: more than one answer to a request is only allowed where a crash left its outcome open.
    assert len(private) <= 60 + 2


async def test_a_click_that_slack_was_told_had_failed_and_that_was_stored(packs: Installation) -> None:
    """The broker freezes while the request is on its way: Slack shows a failure; later the card says what was true.
    A second click meanwhile leads to the same card."""
    await packs.sandbox.command(ALICE, OPS, "help")
    packs.nats.send(signal.SIGSTOP)
    try:
        delivery = await packs.sandbox.command(ALICE, OPS, "run patient naples")
    finally:
        packs.nats.send(signal.SIGCONT)
    assert delivery.status in (None, 0, 503)

    async def said() -> bool:
        return any("Slack reported a failure" in str(message.blocks) for message in await packs.messages())

    await packs.until(said, "the card that says so", 30)
    await packs.sandbox.command(ALICE, OPS, "run patient naples")
    assert (await packs.see("already queued or running")).ephemeral
    card = await packs.see("patient", "▶️")
    await packs.sandbox.click(ALICE, OPS, card.ts, "task.cancel")
    await packs.see("patient", "🚫")


async def test_a_replaced_event_stream_stops_all_work(tmp_path: Path, packs: Installation) -> None:
    """Every process says so, is not ready and takes nothing; started again, it works."""
    assert packs.bus is not None
    js = packs.bus.client.jetstream()
    await js.delete_stream("EVT")
    await streams.provision(packs.bus, packs.subjects)
    names = ("ingress", "orchestrator", "notifier", "metrics")

    async def noticed() -> bool:
        async with aiohttp.ClientSession() as session:
            for name in names:
                url = f"http://127.0.0.1:{packs.ports[name]}"
                async with session.get(f"{url}/readyz") as ready, session.get(f"{url}/metrics") as metrics:
                    is_told = "opsloop_streams_replaced 1.0" in await metrics.text()
                    if ready.status != 503 or not is_told:
                        return False
        return True

    await packs.until(noticed, "every process notices")
    assert (await packs.sandbox.command(ALICE, OPS, "help")).status == 503
    for name in names:
        await packs.end(name)
        await packs.start_one(name)
    await packs.ready(*names)
    await packs.sandbox.command(ALICE, OPS, "run reporting naples")
    await packs.see("reporting", "✅")


async def test_a_full_stream_is_told_and_recovers(packs: Installation) -> None:
    """No room for requests: Slack shows a failure at once and nothing remains; with room again, all goes on."""
    assert packs.bus is not None
    js = packs.bus.client.jetstream()
    config = (await js.stream_info("CMD")).config
    await js.update_stream(config.evolve(max_bytes=300))
    began = time.monotonic()
    assert (await packs.sandbox.command(ALICE, OPS, "run reporting naples")).status == 503
    assert time.monotonic() - began < 1.5
    await js.update_stream(config)
    await packs.sandbox.command(ALICE, OPS, "run reporting tampa")
    await packs.see("reporting for tampa", "✅")
    assert "reporting for naples" not in await packs.channel_text()


async def opsloop(packs: Installation, *words: str) -> tuple[int, str, str]:
    ended = await asyncio.to_thread(
        subprocess.run,
        command("task", *words),
        env=packs.environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


async def test_an_operator_sees_cancels_and_retries_without_slack(packs: Installation) -> None:
    """By the command alone; the card says who, and Slack is never asked who that is."""
    await packs.sandbox.command(ALICE, OPS, "run patient naples")
    card = await packs.see("patient", "▶️")
    _, listed, _ = await opsloop(packs, "list", "--target", "naples", "--json")
    [row] = msgspec.json.decode(listed)
    code, out, _ = await opsloop(packs, "cancel", row["id"])
    assert (code, "patient for naples: cancelled" in out) == (0, True)
    seen = await packs.see("patient", "🚫 Cancelled by operator:")
    assert seen.ts == card.ts
    code, _, err = await opsloop(packs, "cancel", row["id"])
    assert (code, err) == (2, f"opsloop: {row['id']} was not changed: it has ended already\n")
    await packs.sandbox.command(ALICE, OPS, "run failing tampa")
    await packs.see("failing for tampa", "❌")
    _, listed, _ = await opsloop(packs, "list", "--target", "tampa", "--json")
    [row] = msgspec.json.decode(listed)
    code, out, _ = await opsloop(packs, "retry", row["id"])
    assert (code, "attempt 2" in out) == (0, True)
    await packs.see("failing for tampa", "attempt 2", "✅")
    _, shown, _ = await opsloop(packs, "show", row["id"])
    assert "by       operator:" in shown
    asked = [call.args for call in await packs.sandbox.calls() if call.method == "users.info"]
    assert not [args for args in asked if "operator" in str(args)]
    assert (await opsloop(packs, "show", "nothing"))[0] == 2
