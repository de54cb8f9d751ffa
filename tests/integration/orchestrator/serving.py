"""Stand-ins for the services the orchestrator asks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from opsloop_common import service
from opsloop_common.bus import Bus
from opsloop_common.measures import Measure, MetricQuery, Point, RangeQuery, Series
from opsloop_common.people import Identity, IdentityQuery
from opsloop_common.service import Endpoint, endpoint
from opsloop_common.subjects import Subjects


@asynccontextmanager
async def serving(bus: Bus, *endpoints: Endpoint) -> AsyncIterator[None]:
    """Answers while the block runs."""
    task = asyncio.create_task(
        service.serve(bus, name="stand-in", version="1.0.0", description="test", endpoints=endpoints)
    )
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def identities(subjects: Subjects, answer: Callable[[str], Identity]) -> Endpoint:
    """Who somebody is, by user id."""

    async def identify(asked: IdentityQuery) -> Identity:
        return answer(asked.person.user)

    return endpoint("identity", subjects.identity, IdentityQuery, identify)


def values(subjects: Subjects, value: Callable[[], float]) -> Endpoint:
    """The newest value of every metric."""

    async def answer(asked: MetricQuery) -> Measure:
        return Measure(
            metric=asked.metric, title="Gain", unit="usd", state="value", value=value(), at=datetime.now(UTC)
        )

    return endpoint("value", subjects.metric("value"), MetricQuery, answer)


def courses(subjects: Subjects, points: list[float]) -> Endpoint:
    """The course of every metric."""

    async def answer(asked: RangeQuery) -> Series:
        at = datetime.now(UTC)
        return Series(metric=asked.metric, state="value", points=tuple(Point(at, value) for value in points))

    return endpoint("range", subjects.metric("range"), RangeQuery, answer)


VERIFIED = Identity(state="verified", email="alice@naples-honda.example", subject="user_1", source="clerk")
REFUSED = Identity(state="refused", reason="unverified_email", source="clerk")
UNKNOWN = Identity(state="unknown", reason="no_answer")
