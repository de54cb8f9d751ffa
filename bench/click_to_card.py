"""From a command to its card: how long a person waits, by the sandbox's own log of arrivals.

`just bench` runs it. It starts an installation of its own on loopback, sends a bounded number of commands one after
another, and prints medians; times of a single run on a busy machine mean little, compare runs of the same hour.
"""

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from broker import NatsServer
from installation import ALICE, OPS, Installation

COMMANDS = 40
PAUSE_SECONDS = 1.1
"""Slack takes about one message a second in a channel; a wait for that is not ours to measure."""


async def measure(folder: Path) -> dict[str, list[float]]:
    """Milliseconds by stage: until Slack had its 200, until the card's post arrived at Slack."""
    nats = NatsServer(folder)
    nats.start()
    found: dict[str, list[float]] = {"acknowledged": [], "card": []}
    try:
        async with Installation(folder, nats) as installation:
            for number in range(COMMANDS):
                seen = len(await installation.sandbox.calls())
                delivery = await installation.sandbox.command(ALICE, OPS, "status naples-honda")
                found["acknowledged"].append(delivery.elapsed_ms)
                found["card"].append(await _card_ms(installation, seen))
                print(f"\r{number + 1}/{COMMANDS}", end="", file=sys.stderr)
                await asyncio.sleep(PAUSE_SECONDS)
    finally:
        print(file=sys.stderr)
        nats.kill()
    return found


async def _card_ms(installation: Installation, after: int) -> float:
    while True:
        calls = await installation.sandbox.calls(after=after)
        asked = next((call for call in calls if call.method == "deliver.command"), None)
        posted = next((call for call in calls if call.method == "chat.postMessage"), None)
        if asked is not None and posted is not None:
            return (posted.at - asked.at) * 1000
        await asyncio.sleep(0.01)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder)))
    for stage, values in found.items():
        ordered = sorted(values)
        tail = ordered[int(len(ordered) * 0.95)]
        print(f"{stage:14} p50 {statistics.median(ordered):7.1f} ms   p95 {tail:7.1f} ms   n={len(ordered)}")


if __name__ == "__main__":
    main()
