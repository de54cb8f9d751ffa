"""Whether the broker keeps what it acknowledges: a JetStream that does not sync each message may forget it.

A client cannot see how JetStream syncs; the broker's monitoring port can. Read from /varz of nats-server 2.15:
`jetstream.config.sync_always` is there, and true, with `sync_interval: always` alone. A stream whose disk was full
stays shut until the server is started again. /healthz says so; with `js-enabled-only` it goes on calling it healthy.
"""

import asyncio
import logging
import urllib.error
import urllib.request

import msgspec

from opsloop_common.bus.connection import Bus

log = logging.getLogger(__name__)

OLDEST_VERSION = (2, 12)
MONITOR_SECONDS = 2.0
HEALTH_SECONDS = 1.0
CANNOT_WRITE = ("write error", "not enabled")
"""What /healthz says of a stream that is shut, and of JetStream switched off as a whole."""

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


class _Health(msgspec.Struct):
    error: str = ""


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


async def write_problem(monitor_url: str) -> str:
    """Why the broker stores nothing any more, in its own words; empty where it does, is not asked, or says nothing."""
    return await asyncio.to_thread(_write_problem, monitor_url) if monitor_url else ""


def _write_problem(monitor_url: str) -> str:
    try:
        _read(monitor_url, "healthz", HEALTH_SECONDS)
    except urllib.error.HTTPError as unhealthy:
        with unhealthy:
            problem = _error_in(unhealthy)
        return problem if any(words in problem for words in CANNOT_WRITE) else ""
    except (OSError, ValueError):
        pass
    return ""


def _error_in(unhealthy: urllib.error.HTTPError) -> str:
    try:
        return msgspec.json.decode(unhealthy.read(), type=_Health).error
    except (OSError, msgspec.DecodeError):
        return ""


def _read(monitor_url: str, path: str, seconds: float) -> bytes:
    # No proxy: the port is beside the broker.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{monitor_url.rstrip('/')}/{path}", timeout=seconds) as answer:
        return bytes(answer.read())


def _syncs_always(monitor_url: str) -> bool:
    try:
        found = msgspec.json.decode(_read(monitor_url, "varz", MONITOR_SECONDS), type=_Varz)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise OSError(f"durability cannot be verified: nothing to read at {monitor_url}/varz ({error})") from error
    return found.jetstream.config is not None and found.jetstream.config.sync_always


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
