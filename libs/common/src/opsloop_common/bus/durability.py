"""Whether the broker keeps what it acknowledges: a JetStream that does not sync each message may forget it.

A client cannot see how JetStream syncs; the broker's monitoring port can. Read from /varz of nats-server 2.15:
`jetstream.config.sync_always` is there, and true, with `sync_interval: always` alone.
"""

import asyncio
import logging
import urllib.request

import msgspec

from opsloop_common.bus.connection import Bus

log = logging.getLogger(__name__)

OLDEST_VERSION = (2, 12)
MONITOR_SECONDS = 2.0

NOT_VERIFIED = (
    "durability not verified: NATS_MONITOR_URL is not set, and a client cannot see the broker's sync_interval"
)
UNSYNCED = (
    "the broker may forget what it acknowledged when its machine loses power: write `sync_interval: always` into the "
    "jetstream block of its configuration and restart it, or set OPSLOOP_ALLOW_UNSYNCED=1 to accept the loss"
)


class UnsafeBroker(Exception):
    """Why this broker will not do, and what to do about it, in a line."""


class _Config(msgspec.Struct):
    sync_always: bool = False


class _JetStream(msgspec.Struct):
    config: _Config | None = None


class _Varz(msgspec.Struct):
    jetstream: _JetStream


async def check(bus: Bus, monitor_url: str, *, allow_unsynced: bool) -> None:
    """Returns when the broker will do; what is doubtful is logged. Raises UnsafeBroker, OSError without an answer."""
    if bus.version < OLDEST_VERSION:
        raise UnsafeBroker(
            f"the broker is nats-server {_dotted(bus.version)}; {_dotted(OLDEST_VERSION)} or newer is needed: update it"
        )
    if not monitor_url:
        log.warning(NOT_VERIFIED)
        return
    if await asyncio.to_thread(_syncs_always, monitor_url):
        return
    if not allow_unsynced:
        raise UnsafeBroker(UNSYNCED)
    log.warning("OPSLOOP_ALLOW_UNSYNCED is set: %s", UNSYNCED)


def _syncs_always(monitor_url: str) -> bool:
    # No proxy: the port is beside the broker.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{monitor_url.rstrip('/')}/varz", timeout=MONITOR_SECONDS) as answer:
            found = msgspec.json.decode(answer.read(), type=_Varz)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise OSError(f"durability cannot be verified: nothing to read at {monitor_url}/varz ({error})") from error
    return found.jetstream.config is not None and found.jetstream.config.sync_always


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
