"""An installation under test: its processes, what its users do and see, and its history for the checker."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

import checker
from broker import NatsServer, free_port
from checker import History, LedgerEntry, Recorded, Rule
from opsloop_cli import audits
from opsloop_common import catalogue, codec
from opsloop_common.bus import Bus, streams
from opsloop_common.runtime import die_with_parent
from opsloop_common.subjects import Subjects, event_in, id_in
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import SeenMessage

ROOT = Path(__file__).parents[1]
PACKS = Path(__file__).parent / "packs"
SERVICES = ("ingress", "orchestrator", "notifier", "metrics")
CLEAN_LOOKS = 2
ALICE, BOB, OPS = "U0ALICE", "U0BOB", "C0OPS"


class Installation:
    """Starts, kills and restarts by name; `sandbox` is what people do and see.

    Use as `async with Installation(…) as installation:`. Whoever leaves it without a failure has asserted that
    everything settled and that the checker finds nothing, unless `is_checked` was set to False.
    """

    verified = frozenset({ALICE})
    """Who may run sensitive tasks."""
    is_checked = True
    settles_within_seconds = 20.0

    def __init__(self, folder: Path, nats: NatsServer, *, catalogue: str = "") -> None:
        self.folder = folder
        self.nats = nats
        self.subjects = Subjects()
        self.ports = {name: free_port() for name in (*SERVICES, "sandbox")}
        self.sandbox = SandboxClient(f"http://127.0.0.1:{self.ports['sandbox']}")
        self.bus: Bus | None = None
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        text = catalogue or (ROOT / "opsloop.toml").read_text()
        self.catalogue = folder / "opsloop.toml"
        self.catalogue.write_text(text.replace("127.0.0.1:8090", f"127.0.0.1:{self.ports['sandbox']}"))

    @property
    def app_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['ingress']}"

    def environment(self) -> dict[str, str]:
        """What the processes get: nothing of the tester's own environment but the path."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PACKS),
            "OPSLOOP_DATA": str(self.folder),
            "OPSLOOP_CONFIG": str(self.catalogue),
            "OPSLOOP_SECRET": "an-installation-under-test",
            "NATS_URL": self.nats.url,
            "SLACK_BOT_TOKEN": "xoxb-test-token-for-the-sandbox",
            "SLACK_SIGNING_SECRET": "signing-secret-for-the-sandbox",
            "SLACK_API_URL": f"http://127.0.0.1:{self.ports['sandbox']}/api/",
            "CLERK_SECRET_KEY": "sk_test_an_installation_under_test",
            "CLERK_API_URL": f"http://127.0.0.1:{self.ports['sandbox']}/clerk/v1",
            "SANDBOX_APP_URL": self.app_url,
            "PUBLIC_URL": self.app_url,
            "NOTIFIER_SETTLE_SECONDS": "1",
            "NOTIFIER_SWEEPS_SECONDS": "1.5,6",
            "DEALER_CONTENT_TOKEN": "dealer-content-token-1234",
            "PROMETHEUS_URL": f"http://127.0.0.1:{self.ports['sandbox']}/prometheus",
            **{f"{name.upper()}_PORT": str(self.ports[name]) for name in (*SERVICES, "sandbox")},
        }

    async def __aenter__(self) -> Self:
        """Everything, ready."""
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self.is_checked:
                assert await self.broken_invariants(self.settles_within_seconds) == []
        finally:
            await self._stop()

    async def _start(self) -> None:
        self.bus = await self._connect()
        await streams.provision(self.bus, self.subjects, tuple(catalogue.load(self.catalogue).publishers))
        await asyncio.gather(*(self.start_one(name) for name in ("sandbox", *SERVICES)))
        await self.sandbox.__aenter__()
        await self.ready("sandbox", *SERVICES)

    async def _connect(self) -> Bus:
        deadline = time.monotonic() + 10
        while True:
            try:
                return await Bus.connect(self.nats.url, "test")
            except OSError:
                assert time.monotonic() < deadline, "no broker"
                await asyncio.sleep(0.05)

    async def start_one(self, name: str, **more: str) -> None:
        """Starts one process: "notifier", or a further replica of it, "notifier-2"."""
        service = name.partition("-")[0]
        port = self.ports.setdefault(name, free_port())
        log = (self.folder / f"{name}.log").open("ab")
        self._processes[name] = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"opsloop_{service}",
            env=self.environment() | {f"{service.upper()}_PORT": str(port)} | more,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        log.close()

    async def ready(self, *names: str) -> None:
        async with aiohttp.ClientSession() as session:
            for name in names:
                path = "control/workspace" if name == "sandbox" else "readyz"
                await self.until(partial(self._answers, session, name, path), f"{name} ready", 20)

    async def _answers(self, session: aiohttp.ClientSession, name: str, path: str) -> bool:
        process = self._processes[name]
        assert process.returncode is None, f"{name} ended with {process.returncode}: {self.log_of(name)[-2000:]}"
        try:
            async with session.get(f"http://127.0.0.1:{self.ports[name]}/{path}") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def send(self, name: str, how: signal.Signals) -> None:
        """Sends one process a signal, e.g. SIGSTOP and SIGCONT."""
        self._processes[name].send_signal(how)

    async def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Ends one process; returns its exit code."""
        process = self._processes.pop(name)
        if process.returncode is None:
            process.send_signal(how)
        return await asyncio.wait_for(process.wait(), 10)

    async def _stop(self) -> None:
        for name in list(self._processes):
            await self.end(name)
        await self.sandbox.__aexit__(None, None, None)
        if self.bus is not None:
            await self.bus.close()

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not await condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{await self.channel_text()}"
            await asyncio.sleep(0.05)

    async def messages(self, user: str = ALICE, channel: str = OPS) -> list[SeenMessage]:
        return await self.sandbox.messages(user, channel)

    async def channel_text(self) -> str:
        """The channels in plain words, for a failing test."""
        try:
            seen = [one for channel in (OPS, "C0RANDOM") for one in await self.messages(channel=channel)]
            return "\n".join(
                f"{message.ts} {message.text}" + "".join(f"\n    {reply.text}" for reply in message.replies)
                for message in seen
            )
        except aiohttp.ClientError as error:
            return f"(no sandbox: {error})"

    async def see(self, *parts: str, user: str = ALICE, channel: str = OPS, seconds: float = 30) -> SeenMessage:
        """The newest message whose text holds all parts, once it is there."""
        found: list[SeenMessage] = []

        async def there() -> bool:
            messages = await self.messages(user, channel)
            found[:] = [message for message in messages if all(part in message.text for part in parts)]
            return bool(found)

        await self.until(there, f"a message with {parts}", seconds)
        return found[-1]

    async def see_reply(self, ts: str, *parts: str, seconds: float = 30) -> SeenMessage:
        found: list[SeenMessage] = []

        async def there() -> bool:
            replies = [reply for message in await self.messages() if message.ts == ts for reply in message.replies]
            found[:] = [reply for reply in replies if all(part in reply.text for part in parts)]
            return bool(found)

        await self.until(there, f"a reply with {parts}", seconds)
        return found[-1]

    async def broken_invariants(self, seconds: float = 20) -> list[str]:
        """What the checker finds once the installation has settled; waits as long as something is still on its way.

        Nothing broken counts when it is found twice: the first look may fall between two updates.
        """
        deadline = time.monotonic() + seconds
        clean_looks = 0
        while True:
            found = checker.violations(await self.history())
            clean_looks = 0 if found else clean_looks + 1
            if clean_looks == CLEAN_LOOKS or (found and time.monotonic() > deadline):
                return found
            await asyncio.sleep(0.2)

    def rules(self) -> dict[str, Rule]:
        """The task types, as the checker reads them."""
        tasks = catalogue.load(self.catalogue).tasks
        return {name: Rule(kind.effect, kind.run_by, kind.sensitive) for name, kind in tasks.items()}

    async def history(self) -> History:
        assert self.bus is not None
        workspace = await self.sandbox.workspace()
        events = await self.bus.read(self.subjects.stream("EVT"), self.subjects.all_events, at_most=100_000)
        entries = await self.bus.read(f"KV_{self.subjects.bucket('LEDGER')}", "$KV.LEDGER.>", at_most=100_000)
        logs = await self.bus.read(self.subjects.stream("LOG"), f"{self.subjects.root}.log.>", at_most=200_000)
        dealers = ("naples-honda", "coral-gables-toyota", "tampa-chevrolet")
        sites = [await self.sandbox.site(dealer) for dealer in dealers]
        return History(
            team=workspace.team,
            bot=workspace.bot_user_id,
            calls=await self.sandbox.calls(),
            events=[
                Recorded(one.sequence, event_in(one.subject), id_in(one.subject), codec.decode_event(one.data).data)
                for one in events
            ],
            ledger=[_entry(one.subject, one.data) for one in entries if one.data and ".epoch." not in one.subject],
            messages={channel: await self.messages(channel=channel) for channel in (OPS, "C0RANDOM", "G0PRIVATE")},
            publishers=frozenset(catalogue.load(self.catalogue).publishers),
            puts=[put for site in sites for put in site.puts],
            taken=await self.sandbox.effects(),
            audit=await audits.read(self.bus, self.subjects),
            rules=self.rules(),
            verified=self.verified,
            logged=frozenset(one.subject.rsplit(".", 1)[1] for one in logs),
        )


def _entry(subject: str, data: bytes) -> LedgerEntry:
    record = codec.decode(data, dict[str, object])
    key = subject.removeprefix("$KV.LEDGER.")
    return LedgerEntry(key, str(record.get("state", "intent")), str(record.get("ts", "")))
