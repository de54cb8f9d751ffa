"""Running a service: signals, the broker, the probe, and one clear line when it cannot start."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from opsloop_common import crash
from opsloop_common.bus import Bus, BusError, durability, streams
from opsloop_common.probe import Health, ProbeServer
from opsloop_common.settings import ServiceSettings, SettingsError
from opsloop_common.subjects import Subjects

log = logging.getLogger(__name__)

CONNECT_ATTEMPT_SECONDS = 0.1
CANCEL_AGAIN_SECONDS = 2.0
LOOK_AT_BROKER_SECONDS = 2.0
PR_SET_PDEATHSIG = 1
CANNOT_START = 2


class CannotStart(Exception):
    """Why, and what to do, in a line."""


def main(service: str, start: Callable[[], Coroutine[None, None, None]]) -> None:
    """Runs a service until SIGTERM or SIGINT, which cancel it. Exits with 2 and a line when it cannot start."""
    crash.watch(os.environ)
    try:
        asyncio.run(_until_signal(start))
    except SettingsError as error:
        for mistake in error.mistakes:
            print(f"opsloop-{service}: {mistake}", file=sys.stderr)
        sys.exit(CANNOT_START)
    except (CannotStart, OSError) as error:
        print(f"opsloop-{service}: {error}", file=sys.stderr)
        sys.exit(CANNOT_START)


async def _until_signal(start: Callable[[], Coroutine[None, None, None]]) -> None:
    signalled = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled.set)
    service, stop = asyncio.ensure_future(start()), asyncio.ensure_future(signalled.wait())
    await asyncio.wait((service, stop), return_when=asyncio.FIRST_COMPLETED)
    await _end({service, stop})
    if not service.cancelled():
        service.result()


def die_with_parent(parent: int) -> None:
    """Asks the kernel (Linux) to kill this process when its parent dies; elsewhere it does nothing.

    Called between fork and exec of a child, with the parent's process id; it survives the exec.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


async def connect(settings: ServiceSettings, service: str) -> Bus:
    """The broker, waited for as long as it takes: a service may be started before it. Raises CannotStart."""
    told = ""
    while True:
        try:
            return await _connected(settings, service)
        except OSError as error:
            if str(error) != told:
                log.warning("waiting for the broker: %s", error)
            told = str(error)
            await asyncio.sleep(CONNECT_ATTEMPT_SECONDS)


async def _connected(settings: ServiceSettings, service: str) -> Bus:
    """A connection to a broker that will do. Raises CannotStart, OSError when it cannot be told now."""
    bus = await Bus.connect(settings.nats_url, f"opsloop-{service}")
    try:
        await durability.check(bus, settings.nats_monitor_url, allow_unsynced=settings.allow_unsynced)
    except durability.UnsafeBroker as error:
        await bus.close()
        raise CannotStart(str(error)) from error
    except BaseException:
        await bus.close()
        raise
    return bus


class Readiness:
    """Whether the broker is there with the streams as they should be. Its `problem` is a probe's check.

    Where `monitor_url` is known, a broker that is there and stores nothing is told too.
    """

    def __init__(self, registry: CollectorRegistry, monitor_url: str) -> None:
        self._monitor_url = monitor_url
        self.problem = "not yet connected to the broker"
        self.bus: Bus | None = None
        self._stream = ""
        self._created_at: datetime | None = None
        self._replaced = Gauge(
            "opsloop_streams_replaced",
            "1 when the event stream was deleted or made anew under this process, which then stopped its work.",
            registry=registry,
        )

    def check(self) -> str:
        if self.bus is not None and not self.bus.is_connected:
            return "the broker is away"
        return self.problem

    async def wait(self, bus: Bus, subjects: Subjects, publishers: Collection[str] = ()) -> None:
        """Returns when every stream and consumer is as it should be; until then the problem says what is not.

        `publishers` are those whose streams are looked at too.
        """
        self.bus = bus
        while found := await self._differences(bus, subjects, publishers):
            if self.problem != found[0]:
                log.warning("not ready: %s", "; ".join(found))
            self.problem = found[0]
            await asyncio.sleep(0.5)
        self._stream = subjects.stream("EVT")
        self._created_at = await self._made_at(bus)
        self.problem = ""

    async def while_streams_stand(self, *jobs: Awaitable[None]) -> None:
        """Runs jobs as `together` does, as long as the event stream is the one that was waited for.

        When it was made anew, nothing that this process knows is true any more: the jobs are ended, and this stays,
        so that the probe can tell, until the process is started again.
        """
        working = asyncio.ensure_future(together(*jobs))
        watching = asyncio.ensure_future(self._until_replaced())
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                self.problem = f"the stream {self._stream} was deleted or made anew: start this process again"
                self._replaced.set(1)
                log.error("no more work is taken: %s", self.problem)
        finally:
            await _end({working, watching})
        if working.cancelled():
            await asyncio.Event().wait()
        working.result()

    async def _until_replaced(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AT_BROKER_SECONDS)
            if self.bus is None:
                continue
            try:
                if await self.bus.created_at(self._stream) != self._created_at:
                    return
                problem = await durability.write_problem(self._monitor_url)
                self.problem = f"the broker stores nothing: {problem}" if problem else ""
            except BusError as error:
                self.problem = f"the broker does not tell of its streams: {error}"

    async def _made_at(self, bus: Bus) -> datetime:
        while True:
            with contextlib.suppress(BusError):
                if found := await bus.created_at(self._stream):
                    return found
            await asyncio.sleep(0.5)

    async def _differences(self, bus: Bus, subjects: Subjects, publishers: Collection[str]) -> list[str]:
        try:
            return await streams.differences(bus, subjects, publishers)
        except OSError as error:
            return [str(error)]


async def beat(health: Health) -> None:
    """Says that the event loop is alive, until this is cancelled: then that the process is to stop."""
    try:
        while True:
            health.beat()
            await asyncio.sleep(1)
    finally:
        health.leave()


@contextlib.asynccontextmanager
async def probing(health: Health, settings: ServiceSettings, service: str) -> AsyncIterator[int]:
    """Serves the probe while inside. Raises CannotStart when the port is taken."""
    try:
        server = ProbeServer(health, settings.host, settings.port)
    except OSError as error:
        raise CannotStart(port_taken(service, settings.port, error)) from error
    server.start()
    print(f"opsloop-{service}: http://{settings.host}:{server.port}", flush=True)
    try:
        yield server.port
    finally:
        await asyncio.to_thread(server.stop)


def port_taken(service: str, port: int, error: OSError) -> str:
    """The line for a port that cannot be bound."""
    variable = f"{service.upper()}_PORT"
    return f"cannot listen on port {port} ({error.strerror or error}): set {variable} to another port, or 0 for any"


async def together(*jobs: Awaitable[None]) -> None:
    """Runs jobs until one fails or this is cancelled; then all of them end, and the failure is raised."""
    tasks = {asyncio.ensure_future(_as_coroutine(job)) for job in jobs}
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in ended:
            task.result()
    finally:
        await _end(tasks)


@contextlib.asynccontextmanager
async def staying(job: Awaitable[None]) -> AsyncIterator[Awaitable[None]]:
    """Runs a job until everything inside has ended. What it yields ends when the job does, and may be cancelled."""
    running = asyncio.ensure_future(job)

    async def watch() -> None:
        await asyncio.wait({running})
        running.result()

    try:
        yield watch()
    finally:
        running.cancel()
        await undisturbed(asyncio.wait({running}))


async def undisturbed(job: Awaitable[object]) -> None:
    """Sees a job through that limits itself, however often this is cancelled meanwhile."""
    running = asyncio.ensure_future(job)
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({running})
    running.result()


async def _end(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancels until each has ended: `asyncio.wait_for` of Python 3.11 drops a cancellation that comes with a result."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)


async def _as_coroutine(job: Awaitable[None]) -> None:
    await job
