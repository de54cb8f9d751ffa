"""Which ports to listen on: those asked for, checked before anything starts, or any free one for 0."""

import socket
from collections.abc import Mapping

import msgspec

from opsloop_common.runtime import port_taken
from opsloop_common.settings import Environment, SettingsError

NATS_PORT = 4222
NATS_PORTS_TRIED = 100
DEFAULTS = {"ingress": 8080, "orchestrator": 8081, "notifier": 8082, "metrics": 8083, "sandbox": 8090}
EVERY_INTERFACE = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
LOOPBACK = "127.0.0.1"


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Ports that were free a moment ago. `of` holds them by process name, as in "ingress" or "ingress-2"."""

    host: str
    of: dict[str, int]
    nats: int = 0
    nats_monitor: int = 0

    def url(self, name: str) -> str:
        """Where this machine reaches a process."""
        return f"http://{LOOPBACK if self.host in EVERY_INTERFACE else self.host}:{self.of[name]}"


def choose(env: Environment, names: tuple[str, ...], *, with_nats: bool) -> Ports:
    """Ports for the named processes. Raises SettingsError with a line for each one that is taken."""
    host = env.text("OPSLOOP_HOST", LOOPBACK)
    _check_host(host)
    asked = {name: env.port(f"{name.upper()}_PORT", DEFAULTS[name]) if name in DEFAULTS else 0 for name in names}
    taken = [line for name, port in asked.items() if (line := _problem(name, host, port))]
    if taken:
        raise SettingsError(taken)
    used = {port for port in asked.values() if port}
    found = {name: port or _any_free(host, used) for name, port in asked.items()}
    nats = _nats_port(env, used) if with_nats else 0
    return Ports(host=host, of=found, nats=nats, nats_monitor=_any_free(LOOPBACK, used) if with_nats else 0)


def _check_host(host: str) -> None:
    try:
        _bind(host, 0)
    except OSError as error:
        line = f"OPSLOOP_HOST={host!r}: cannot listen there ({error.strerror or error}); unset it for {LOOPBACK}"
        raise SettingsError([line]) from error


def any_ports() -> Mapping[str, str]:
    """The variables that ask for any free port everywhere."""
    return {f"{name.upper()}_PORT": "0" for name in DEFAULTS} | {"OPSLOOP_NATS_PORT": "0"}


def _problem(name: str, host: str, port: int) -> str:
    try:
        _bind(host, port)
    except OSError as error:
        return port_taken(name, port, error)
    return ""


def _nats_port(env: Environment, used: set[int]) -> int:
    """The port that OPSLOOP_NATS_PORT asks for; without it 4222 or the next free one."""
    asked = env.port("OPSLOOP_NATS_PORT", -1)
    if asked == 0:
        return _any_free(LOOPBACK, used)
    for port in range(NATS_PORT, NATS_PORT + NATS_PORTS_TRIED) if asked < 0 else (asked,):
        if port not in used and not (problem := _problem("opsloop_nats", LOOPBACK, port)):
            return port
    raise SettingsError([problem])


def _any_free(host: str, used: set[int]) -> int:
    """A free port that was not given out yet."""
    while (port := _bind(host, 0)) in used:
        continue
    used.add(port)
    return port


def _bind(host: str, port: int) -> int:
    """Binds for a moment, the way the services do. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)
        return int(probe.getsockname()[1])
