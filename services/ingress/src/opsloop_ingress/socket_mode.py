"""Socket Mode: Slack's requests over a connection that we open, so nothing of ours needs to be reachable from outside.

slack_sdk's SocketModeClient (3.47, aiohttp) is not used, because:
- after a failed connection it tries the same address for ever, and an address can be used once;
- on `disconnect` it closes the old connection before it opens the next, and sends acknowledgements on whichever is
  open then;
- its listeners run in tasks that nobody holds, counts or awaits, fed by a queue without a limit; `close` leaves them;
- a connection that was closed is noticed up to two ping intervals late, `link_disabled` is not told from a refresh;
- whether it is connected, and if not, why, is only in its log, together with the addresses and their tickets.
"""

import asyncio
import logging
import random

import aiohttp
from prometheus_client import Gauge

from opsloop_ingress import socket_address, socket_link
from opsloop_ingress.intake import Intake
from opsloop_ingress.socket_address import CannotOpen, Place
from opsloop_ingress.socket_link import LOST, OPEN_SECONDS, Link

log = logging.getLogger(__name__)

PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
STEADY_SECONDS = 10.0
REFRESHING = frozenset({"warning", "refresh_requested"})
DISABLED = "link_disabled"
SWITCHED_OFF = "Socket Mode is switched off in the settings of the Slack app (link_disabled)"


class SocketMode:
    """Keeps one connection open, for ever; without an app-level token it is off.

    Several processes may do so: Slack gives each request to one of them.
    """

    def __init__(self, *, place: Place, intake: Intake, open_sockets: Gauge) -> None:
        self._place = place
        self._intake = intake
        self._open_sockets = open_sockets
        self._problem = "not yet connected to Slack" if place.app_token else ""
        self._failures = 0

    def check(self) -> str:
        """What keeps Slack's requests from arriving, for the probe; "" when nothing does."""
        return self._problem

    async def run(self) -> None:
        """Until it is cancelled. Before a refresh the next connection is opened while the old one still serves."""
        if not self._place.app_token:
            return
        timeout = aiohttp.ClientTimeout(total=OPEN_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as links:
            while True:
                link = await self._connected(session)
                began = asyncio.get_running_loop().time()
                links.create_task(self._serve(link))
                reason = await link.ending
                is_steady = asyncio.get_running_loop().time() - began >= STEADY_SECONDS
                self._failures = 0 if is_steady else self._failures + 1
                self._ended(reason)

    async def _serve(self, link: Link) -> None:
        with self._open_sockets.track_inprogress():
            await link.serve()

    async def _connected(self, session: aiohttp.ClientSession) -> Link:
        wait_seconds = 0.0
        while True:
            await asyncio.sleep(max(wait_seconds, self._pause_seconds()))
            try:
                url = await socket_address.ask(session, self._place)
                websocket = await socket_link.connect(session, url, self._place)
            except CannotOpen as error:
                self._failures += 1
                wait_seconds = error.wait_seconds
                self._fail(str(error))
                continue
            log.info("connected to Slack (Socket Mode)")
            self._problem = ""
            return Link(websocket, self._intake)

    def _pause_seconds(self) -> float:
        """Spread a little, so that many processes do not come back at the same moment."""
        pause = PAUSES_SECONDS[min(self._failures, len(PAUSES_SECONDS) - 1)]
        return pause * random.uniform(0.8, 1.2)  # noqa: S311  # no secret

    def _ended(self, reason: str) -> None:
        if reason in REFRESHING:
            log.info("Slack renews the connection (%s)", reason)
        elif reason == DISABLED:
            self._failures = len(PAUSES_SECONDS)
            log.error("%s; trying again for ever", SWITCHED_OFF)
            self._problem = SWITCHED_OFF
        else:
            self._fail("the connection to Slack is lost" if reason == LOST else f"Slack ended the connection: {reason}")

    def _fail(self, problem: str) -> None:
        """Told once, however often it is tried again."""
        if problem != self._problem:
            log.warning("no connection to Slack: %s", problem)
        self._problem = problem
