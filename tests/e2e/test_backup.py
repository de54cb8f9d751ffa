"""What docs/operations.md says about backing up, restoring and rotating, done as it says."""

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from installation import ALICE, OPS, SERVICES, Installation
from waiting import until

ROTATED = {
    "OPSLOOP_SECRET": "the-new-secret-of-the-installation,an-installation-under-test",
    "SLACK_SIGNING_SECRET": "the-new-signing-secret,signing-secret-for-the-sandbox",
}


async def stop(installation: Installation) -> None:
    """Services first, then the broker."""
    for name in SERVICES:
        assert await installation.end(name, signal.SIGTERM) == 0
    installation.nats.send(signal.SIGTERM)
    pid = installation.nats.pid
    await until(lambda: "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
    installation.nats.kill()


async def start(installation: Installation, **more: str) -> None:
    installation.nats.start()
    await asyncio.gather(*(installation.start_one(name, **more) for name in SERVICES))
    await installation.ready(*SERVICES)


def tar(*words: str) -> None:
    subprocess.run(["tar", *words], check=True)  # noqa: S607


async def test_a_lost_store_comes_back_from_its_copy_and_a_card_goes_on(packs: Installation, tmp_path: Path) -> None:
    """Stop, copy, lose, restore, start with further secrets: the old card's Retry works, on the same message."""
    for text in ("run reporting tampa", "run failing naples"):
        await packs.sandbox.command(ALICE, OPS, text)
    done, failed = await packs.see("reporting for tampa", "✅"), await packs.see("failing for naples", "❌")
    await packs.see_reply(failed.ts, "❌")
    assert await packs.broken_invariants() == []
    await stop(packs)
    store = tmp_path / "nats" / "store"
    tar("-czf", str(tmp_path / "backup.tgz"), "-C", str(store), ".")
    shutil.rmtree(store)
    store.mkdir()
    tar("-xzf", str(tmp_path / "backup.tgz"), "-C", str(store))
    await start(packs, **ROTATED)

    await packs.sandbox.click(ALICE, OPS, failed.ts, "task.retry")
    again = await packs.see("failing for naples", "✅")
    await packs.see_reply(failed.ts, "✅")
    assert again.ts == failed.ts
    assert {message.ts for message in await packs.messages()} == {done.ts, failed.ts}


async def test_a_store_that_is_lost_for_good_starts_anew(packs: Installation, tmp_path: Path) -> None:
    """Without a copy: services wait until `provision` made the streams; an old button says that its task is unknown."""
    packs.is_checked = False  # Slack shows what no stream knows of any more
    await packs.sandbox.command(ALICE, OPS, "run failing naples")
    failed = await packs.see("failing for naples", "❌")
    await stop(packs)
    shutil.rmtree(tmp_path / "nats" / "store")
    packs.nats.start()
    await asyncio.gather(*(packs.start_one(name) for name in SERVICES))
    ended = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "opsloop_cli", "provision", env=packs.environment(), stdout=subprocess.DEVNULL
    )
    assert await asyncio.wait_for(ended.wait(), 30) == 0
    await packs.ready(*SERVICES)
    await packs.sandbox.click(ALICE, OPS, failed.ts, "task.retry")
    await packs.see("This button is not known here")
    await packs.sandbox.command(ALICE, OPS, "run reporting tampa")
    await packs.see("reporting for tampa", "✅")
