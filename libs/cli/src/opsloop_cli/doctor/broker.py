"""The broker: whether it is there, will do, keeps time, and has the streams as they should be."""

import time

from opsloop_cli.doctor import clocks
from opsloop_cli.doctor.deployment import Deployment
from opsloop_cli.doctor.finding import Finding, ok, warning, wrong
from opsloop_cli.stack import REACH_SECONDS, reach
from opsloop_common.bus import Bus, BusError, durability, streams
from opsloop_common.runtime import CannotStart

NATS, STREAMS, CLOCK = "nats", "streams", "clock of nats"
MISSING, LISTED_AT_MOST = " is missing", 3
PROVISION = "run `opsloop provision`"
MEND_MONITOR = "set NATS_MONITOR_URL to the broker's monitoring port (http: in its configuration), which tells"


async def examine(deployment: Deployment) -> list[Finding]:
    """Everything that can be seen of the broker; one finding where it cannot be reached."""
    try:
        bus = await reach(deployment.nats_url, REACH_SECONDS)
    except CannotStart as error:
        why, _, mend = str(error).partition(": ")
        return [wrong(NATS, why, mend)]
    try:
        return [await _durable(bus, deployment), *await _provisioned(bus, deployment), *await _clock(bus, deployment)]
    finally:
        await bus.close()


async def _durable(bus: Bus, deployment: Deployment) -> Finding:
    version = f"nats-server {'.'.join(map(str, bus.version))}"
    try:
        await durability.check(bus, deployment.nats_monitor_url, allow_unsynced=False)
    except durability.UnsafeBroker as error:
        why, _, mend = str(error).partition(": ")
        is_accepted = deployment.allow_unsynced and str(error) == durability.UNSYNCED
        return warning(NATS, why, mend) if is_accepted else wrong(NATS, why, mend)
    except OSError as error:
        return wrong(NATS, str(error), "correct NATS_MONITOR_URL, or open the broker's monitoring port to this machine")
    if not deployment.nats_monitor_url:
        return warning(NATS, f"{version}; {durability.NOT_VERIFIED}", MEND_MONITOR)
    if problem := await durability.write_problem(deployment.nats_monitor_url):
        return wrong(NATS, problem, "make room on its disk and start it again: it does not try again by itself")
    return ok(NATS, f"{version}, syncs what it acknowledges")


async def _provisioned(bus: Bus, deployment: Deployment) -> list[Finding]:
    try:
        found = await streams.differences(bus, deployment.subjects, deployment.publishers)
    except OSError as error:
        return [
            wrong(STREAMS, str(error), "look whether JetStream is on in the broker, and whether this user may ask it")
        ]
    return [wrong(STREAMS, line, PROVISION) for line in _few(found)] or [ok(STREAMS, "every one is as it should be")]


def _few(lines: list[str]) -> list[str]:
    """A broker that nobody provisioned is one thing that is wrong, not forty."""
    missing = [line.removesuffix(MISSING) for line in lines if line.endswith(MISSING)]
    if len(missing) <= LISTED_AT_MOST:
        return lines
    others = [line for line in lines if not line.endswith(MISSING)]
    return [f"{len(missing)} streams and consumers are missing: {', '.join(missing[:LISTED_AT_MOST])} …", *others]


async def _clock(bus: Bus, deployment: Deployment) -> list[Finding]:
    sent_at = time.time()
    try:
        told_at = await bus.clock(deployment.subjects.stream("EVT"))
    except BusError:
        told_at = None
    if told_at is None:
        return []  # without the stream there is nobody to ask, and that is told already
    doubt_seconds = (time.time() - sent_at) / 2
    return [clocks.compared(CLOCK, "the broker's", told_at.timestamp() - sent_at - doubt_seconds, doubt_seconds)]
