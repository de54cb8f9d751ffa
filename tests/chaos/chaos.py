"""`just chaos`: everything dies, freezes and answers badly at random while people work; in the end nothing is wrong.

    just chaos --minutes 5 --seed 7

What is done, and when, follows from the seed alone. At the end faults are cleared, everything runs again, and the
checker must find nothing. Exit code 1 if it does. With `--limited` Slack keeps to its limits, and people are slower.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import aiohttp

from broker import NatsServer
from chaos.publishers import Publishers
from chaos.scenes import CHANNELS, DEALERS
from chaos.stage import QUICK, TARGETS, Stage
from installation import ALICE, BOB
from opsloop_common.events import TaskState
from opsloop_sandbox.client import ControlError
from opsloop_sandbox.contract import Behaviour, SeenMessage
from opsloop_sandbox.json_value import walk

REPLICAS = (
    "ingress",
    "orchestrator",
    "orchestrator-2",
    "notifier",
    "notifier-2",
    "metrics",
)
BROKER_EVERY_SECONDS = 60.0
HARM_EVERY_SECONDS = (2.0, 6.0)
ACT_EVERY_SECONDS = (0.2, 0.8)
REPORT_EVERY_SECONDS = (1.0, 4.0)
LIMITED_ACT_EVERY_SECONDS = (2.0, 6.0)
LIMITED_REPORT_EVERY_SECONDS = (10.0, 30.0)
DOWN_SECONDS = (0.0, 3.0)
FROZEN_SECONDS = (0.5, 6.0)
SETTLED_WITHIN_SECONDS = 300.0
UNSETTLED_AT_MOST = 60
BEHAVIOURS: tuple[Behaviour, ...] = (
    "stored_then_reset",
    "stored_then_500",
    "lost_500",
    "hang",
    "slow_landing",
    "unreadable_body",
    "ratelimited",
)
METHODS = ("chat.postMessage", "chat.update", "response_url", "conversations.history", "site.put", "effect.post")
TASKS = ("steady", "failing", "effect_once", "keyed", "patient", "first", "locked")
REAL_TASKS = ("schema_fix", "ugc_audit", "arr_forecast", "ai_score_recompute", "schema_restore")
BUTTONS = ("task.retry", "task.cancel", "task.happened", "task.rerun", "task.logs", "task.run.schema_fix")


class Chaos:
    """`harm` and `act` draw from generators of their own: neither shifts the other's decisions."""

    def __init__(self, stage: Stage, nats: NatsServer, seed: int, minutes: float) -> None:
        self._stage = stage
        self._nats = nats
        self._harm = random.Random(f"{seed} harm")  # noqa: S311 # to be repeated, not to be secret
        self._act = random.Random(f"{seed} act")  # noqa: S311
        self._seconds = minutes * 60
        self._pace = LIMITED_ACT_EVERY_SECONDS if stage.is_limited else ACT_EVERY_SECONDS
        reports = LIMITED_REPORT_EVERY_SECONDS if stage.is_limited else REPORT_EVERY_SECONDS
        self.publishers = Publishers(stage, random.Random(f"{seed} publishers"), reports)  # noqa: S311
        self.counts: Counter[str] = Counter()
        self._targets = 0

    async def run(self) -> None:
        """Returns when the time is over and everything runs again."""
        began_at = time.monotonic()
        everybody = (self._break, self._break_broker, self._live, self.publishers.run)
        jobs = [asyncio.create_task(job(began_at + self._seconds)) for job in everybody]
        try:
            async with asyncio.timeout(self._seconds + SETTLED_WITHIN_SECONDS):
                for job in jobs:
                    await job
        finally:
            for job in jobs:
                job.cancel()
        await self._stage.sandbox.clear_faults()
        for name in REPLICAS:
            if self._stage.has_ended(name):
                await self._again(name)

    # --- what breaks --------------------------------------------------------------------------------------------

    async def _break(self, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(self._harm.uniform(*HARM_EVERY_SECONDS))
            name, how = (
                self._harm.choice(REPLICAS),
                self._harm.choice(("kill", "kill", "kill", "term", "freeze", "slack")),
            )
            down, frozen = self._harm.uniform(*DOWN_SECONDS), self._harm.uniform(*FROZEN_SECONDS)
            method, behaviour = self._harm.choice(METHODS), self._harm.choice(BEHAVIOURS)
            self.counts[how] += 1
            if behaviour == "slow_landing" and not method.startswith(("chat.", "conversations.")):
                behaviour = "lost_500"
            if how == "slack":
                await self._stage.sandbox.fault(method, behaviour, times=2, seconds=3.0, retry_after=2)
            elif how == "freeze":
                self._stage.send(name, signal.SIGSTOP)
                await asyncio.sleep(frozen)
                self._stage.send(name, signal.SIGCONT)
            else:
                await self._stage.end(name, signal.SIGKILL if how == "kill" else signal.SIGTERM)
                await asyncio.sleep(down)
                await self._again(name)

    async def _again(self, name: str) -> None:
        with contextlib.suppress(KeyError, TimeoutError):
            await self._stage.end(name)
        await self._stage.start_one(name)

    async def _break_broker(self, until: float) -> None:
        while time.monotonic() + BROKER_EVERY_SECONDS < until:
            await asyncio.sleep(BROKER_EVERY_SECONDS)
            self.counts["broker"] += 1
            await asyncio.to_thread(self._nats.kill)
            await asyncio.to_thread(self._nats.start)

    # --- what people do -----------------------------------------------------------------------------------------

    async def _live(self, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(self._act.uniform(*self._pace))
            words, user, channel = self._words(), self._act.choice((ALICE, ALICE, BOB)), self._act.choice(CHANNELS)
            chance, button = self._act.random(), self._act.choice(BUTTONS)
            with contextlib.suppress(aiohttp.ClientError, ControlError, TimeoutError):
                if chance < 0.3:
                    await self._click(user, channel, button)
                elif await self._open() < UNSETTLED_AT_MOST:
                    await self._stage.sandbox.command(user, channel, words)
                    self.counts[words.split()[0]] += 1

    def _words(self) -> str:
        self._targets += 1
        target, dealer = f"t{self._targets % TARGETS:02d}", self._act.choice(DEALERS)
        task, real = self._act.choice(TASKS), self._act.choice(REAL_TASKS)
        days = " days=30" if real == "arr_forecast" else ""
        return self._act.choice(
            (
                f"run {task} {target}",
                f"run {task} {target}",
                f"run {real} {dealer}{days}",
                f"status {dealer}",
                "tasks",
                "help",
                "hepl",
            )
        )

    async def _open(self) -> int:
        """How many tasks have not ended, as far as people see."""
        seen = [one for channel in CHANNELS for one in await self._stage.messages(ALICE, channel)]
        seen = [one for one in seen if " for " in one.text.partition(":")[0]]
        return sum(any(sign in one.text for sign in ("⏳", "▶️")) for one in seen)

    async def _click(self, user: str, channel: str, action: str) -> None:
        """On the newest message that has the button."""
        for message in reversed(await self._stage.messages(user, channel)):
            if action in _actions(message):
                await self._stage.sandbox.click(user, channel, message.ts, action)
                self.counts[action] += 1
                return

    async def settle(self) -> list[str]:
        """What is broken when nothing moves any more; tasks that wait for somebody are cancelled before."""
        await self._stage.ready(*REPLICAS)
        deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
        while await self._unsettled() and time.monotonic() < deadline:
            for channel in CHANNELS:
                await self._cancel_patient(channel)
            await asyncio.sleep(1)
        return await self._stage.broken_invariants(SETTLED_WITHIN_SECONDS) + await self.publishers.wrong()

    async def _unsettled(self) -> bool:
        last = {one.id: one.state for one in (await self._stage.history()).events}
        return any(isinstance(state, TaskState) and not state.is_settled for state in last.values())

    async def _cancel_patient(self, channel: str) -> None:
        for message in await self._stage.messages(ALICE, channel):
            if "patient" in message.text and "task.cancel" in _actions(message):
                with contextlib.suppress(aiohttp.ClientError, ControlError):
                    await self._stage.sandbox.click(ALICE, channel, message.ts, "task.cancel")


def _actions(message: SeenMessage) -> set[object]:
    return {one.get("action_id") for one in walk(list(message.blocks))}


async def run(folder: Path, minutes: float, seed: int, pace: str) -> int:
    nats = NatsServer(folder)
    nats.start()
    try:
        async with Stage(folder, nats, then=("ugc_audit", "arr_forecast"), pace=pace) as stage:
            stage.is_checked = False
            for name in set(REPLICAS) - set(stage.running):
                await stage.start_one(name)
            await stage.ready(*REPLICAS)
            chaos = Chaos(stage, nats, seed, minutes)
            await chaos.run()
            began_at = time.monotonic()
            found = await chaos.settle()
            events = (await stage.history()).events
            tasks, reported = len({one.id for one in events if one.event == "queued"}), len(chaos.publishers.task_ids)
            took_seconds = time.monotonic() - began_at
            print(f"seed {seed}: {dict(sorted(chaos.counts.items()))}")
            print(
                f"{tasks} tasks, {reported} of other systems, {len(events)} events, settled within {took_seconds:.0f} s"
            )
            print("\n".join([f"{len(found)} violations", *found]))
            return 1 if found else 0
    finally:
        nats.kill()


def main() -> None:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limited", action="store_true", help="with Slack's rate limits")
    parser.add_argument("--folder", type=Path, help="where logs and stores stay; a folder that goes away without it")
    given = parser.parse_args()
    pace = "" if given.limited else QUICK
    if given.folder is not None:
        given.folder.mkdir(parents=True)
        sys.exit(asyncio.run(run(given.folder, given.minutes, given.seed, pace)))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(asyncio.run(run(Path(folder), given.minutes, given.seed, pace)))


if __name__ == "__main__":
    main()
