"""How a service's jobs end."""

import asyncio
import contextlib
from typing import Any, cast

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from opsloop_common import runtime
from opsloop_common.bus import Bus
from opsloop_common.probe import Health
from waiting import until

BRIEFLY = 0.02


class DeafClient:
    """Answers a request, and drops a cancellation that comes meanwhile."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def request(self, *_: object, **__: object) -> Any:
        self.asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return object()


async def test_a_job_that_drops_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All jobs end, though one of them went on after the first cancellation."""
    monkeypatch.setattr(runtime, "CANCEL_AGAIN_SECONDS", BRIEFLY)
    begun = asyncio.Event()
    ended: list[str] = []

    async def deaf_once() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("one")

    jobs = asyncio.create_task(runtime.together(deaf_once(), deaf_once()))
    await begun.wait()
    jobs.cancel()
    async with asyncio.timeout(2):
        with pytest.raises(asyncio.CancelledError):
            await jobs
    assert ended == ["one", "one"]


async def test_a_failing_job_ends_the_others_and_its_failure_is_told() -> None:
    """The first failure is raised as it is, once the others have ended."""
    ended = asyncio.Event()

    async def long() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fails() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await runtime.together(long(), fails())
    assert ended.is_set()


async def test_jobs_that_are_done_end_it() -> None:
    """It returns when every job has."""
    done: list[int] = []

    async def job(number: int) -> None:
        done.append(number)

    await runtime.together(job(1), job(2))
    assert sorted(done) == [1, 2]


async def test_a_cancellation_that_comes_with_the_brokers_answer_is_not_lost() -> None:
    """Whoever waits for the broker is cancelled, even when the client drops that."""
    client = DeafClient()
    bus = Bus(cast("Client", client), [])
    waiting = asyncio.create_task(bus.publish("ops.x", b""))
    await client.asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_the_broker_can_be_asked_on_the_way_out() -> None:
    """A task that was cancelled before may still publish while it cleans up."""
    client = DeafClient()
    bus = Bus(cast("Client", client), [])
    told: list[str] = []

    async def cleans_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await bus.publish("ops.x", b"")
            told.append("done")

    class Answer:
        data = b"{}"

    async def answers(*_: object, **__: object) -> Answer:
        return Answer()

    client.request = answers  # type: ignore[method-assign]
    waiting = asyncio.create_task(cleans_up())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert told == ["done"]


async def test_a_process_that_is_to_stop_is_not_ready() -> None:
    """From the moment its jobs are cancelled, however long they take to end; alive it still is."""
    health = Health(CollectorRegistry(), {})
    begun, done = asyncio.Event(), asyncio.Event()

    async def slow_to_end() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await done.wait()

    working = asyncio.create_task(runtime.together(runtime.beat(health), slow_to_end()))
    await begun.wait()
    assert [_status(health, path) for path in ("/readyz", "/healthz")] == [200, 200]
    working.cancel()
    async with asyncio.timeout(2):
        await until(lambda: _status(health, "/readyz") == 503)
        assert not working.done()
        assert _status(health, "/healthz") == 200
        done.set()
        with pytest.raises(asyncio.CancelledError):
            await working


def _status(health: Health, path: str) -> int:
    answer = health.answer(path)
    assert answer is not None
    return answer.status
