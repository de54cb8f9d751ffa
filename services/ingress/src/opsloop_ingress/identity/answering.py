"""Answers the questions that come over the broker: choices and wiring."""

import time
from collections.abc import Callable
from importlib.metadata import version

import aiohttp

from opsloop_common import crash
from opsloop_common.bus import Bus
from opsloop_common.people import IdentityQuery
from opsloop_common.service import endpoint, serve
from opsloop_ingress.counters import Counters
from opsloop_ingress.identity import clerk
from opsloop_ingress.identity.allow_list import AllowList
from opsloop_ingress.identity.api import Caller
from opsloop_ingress.identity.clerk import Clerk
from opsloop_ingress.identity.desk import AT_ONCE, Desk, Provider
from opsloop_ingress.identity.slack_users import SlackUsers
from opsloop_ingress.settings import IngressSettings

QUESTIONS_AT_ONCE = 8 * AT_ONCE
"""More than lookups: what is remembered is told even while every lookup waits for somebody slow."""


async def run(
    bus: Bus, settings: IngressSettings, counters: Counters, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Until cancelled. `clock` counts the seconds for which answers and pauses hold."""
    # Each source has at most as many connections as there are lookups.
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=2 * AT_ONCE),
        trace_configs=crash.of_requests(aiohttp.TraceConfig, lambda _, path: path.rpartition("/")[2]),
    ) as session:
        desk = Desk(
            users=_users(settings, session, clock),
            provider=provider(settings, session, clock),
            counters=counters,
            clock=clock,
        )
        try:
            await serve(
                bus,
                name="identity",
                version=version("opsloop-ingress"),
                description="Who a person is, and whether they are verified",
                endpoints=(endpoint("identity", settings.service.subjects.identity, IdentityQuery, desk.answer),),
                at_once=QUESTIONS_AT_ONCE,
                series=counters.questions,
            )
        finally:
            await desk.close()


def provider(settings: IngressSettings, session: aiohttp.ClientSession, clock: Callable[[], float]) -> Provider | None:
    """Clerk if there is a key, else the catalogue's list if somebody is on it."""
    if settings.clerk.key:
        return Clerk(Caller(session, settings.clerk, "Clerk", headers=clerk.HEADERS, clock=clock))
    if settings.catalogue.access.verified:
        return AllowList(settings.catalogue.access.verified)
    return None


def _users(settings: IngressSettings, session: aiohttp.ClientSession, clock: Callable[[], float]) -> SlackUsers | None:
    return SlackUsers(Caller(session, settings.slack, "Slack", clock=clock)) if settings.slack.key else None
