"""What to start and with which environment: pure, from what was asked and what was found."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from opsloop_cli.ports import DEFAULTS, LOOPBACK, Ports

SERVICES = ("ingress", "orchestrator", "notifier", "metrics")
SANDBOX = "sandbox"
NATS = "nats"
SHIPPED_CATALOGUE = Path(__file__).parent / "catalogue.toml"
SHIPPED_SITES = f"127.0.0.1:{DEFAULTS[SANDBOX]}"

# The demo is closed: nothing that points to a real Slack, broker or proxy reaches it.
OWN_PREFIXES = ("SLACK_", "OPSLOOP_", "NATS_", "CLERK_", "PROMETHEUS_", "GRAFANA_", "PUBLIC_URL", "SANDBOX_", "DEALER_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
LONGEST_SOCKET_PATH = 100
TAKEN_OVER = ("OPSLOOP_LOG_LEVEL", "SANDBOX_RATE_LIMITS")


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A process to start.

    `ready_url` answers 200 once it can serve; empty where nobody asks over HTTP. `monitor_url` is that of a
    nats-server, `store` the folder where it writes.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    ready_url: str = ""
    monitor_url: str = ""
    store: Path | None = None


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo's processes share."""

    opsloop: str
    signing: str
    bot_token: str
    content_token: str
    clerk_key: str


def service_of(name: str) -> str:
    """The service that a process runs: "ingress" for "ingress-2"."""
    return name.partition("-")[0]


def process_names(scale: Mapping[str, int]) -> tuple[str, ...]:
    """Names of all service processes: the first of a service is called like it, others are numbered."""
    return tuple(
        service if number == 1 else f"{service}-{number}"
        for service in SERVICES
        for number in range(1, scale.get(service, 1) + 1)
    )


def demo(
    environment: Mapping[str, str], folder: Path, ports: Ports, secrets: Secrets, catalogue: Path
) -> tuple[Program, ...]:
    """The sandbox and the services of the demo."""
    shared = _closed(environment) | {
        "OPSLOOP_HOST": ports.host,
        "OPSLOOP_DATA": str(folder),
        "OPSLOOP_CONFIG": str(catalogue),
        "OPSLOOP_SECRET": secrets.opsloop,
        "SLACK_SIGNING_SECRET": secrets.signing,
        "SLACK_BOT_TOKEN": secrets.bot_token,
        "DEALER_CONTENT_TOKEN": secrets.content_token,
        "SLACK_API_URL": f"{ports.url(SANDBOX)}/api/",
        "PROMETHEUS_URL": f"{ports.url(SANDBOX)}/prometheus",
        "CLERK_API_URL": f"{ports.url(SANDBOX)}/clerk/v1",
        "CLERK_SECRET_KEY": secrets.clerk_key,
        "SANDBOX_APP_URL": ports.url("ingress"),
        "PUBLIC_URL": ports.url("ingress"),
        **_door(folder),
        **embedded_broker(ports),
    }
    return _programs((SANDBOX, *SERVICES), shared, ports)


def services(environment: Mapping[str, str], ports: Ports, extra: Mapping[str, str]) -> tuple[Program, ...]:
    """The service processes that have a port, against what the environment names; `extra` overrides it."""
    return _programs(tuple(ports.of), {**environment, **extra}, ports)


def backstage_socket(folder: Path) -> Path | None:
    """Where the sandbox's page reaches the demo; None where the folder's name is too long for a unix socket."""
    path = folder.absolute() / "backstage.sock"
    return path if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH else None


def _door(folder: Path) -> dict[str, str]:
    path = backstage_socket(folder)
    return {} if path is None else {"SANDBOX_SUPERVISOR": str(path)}


def embedded_broker(ports: Ports) -> dict[str, str]:
    return {
        "NATS_URL": f"nats://{LOOPBACK}:{ports.nats}",
        "NATS_MONITOR_URL": f"http://{LOOPBACK}:{ports.nats_monitor}",
    }


def catalogue_for_sandbox(text: str, sandbox_url: str) -> str:
    """The catalogue with its dealers' sites where the sandbox really is."""
    return text.replace(SHIPPED_SITES, sandbox_url.removeprefix("http://"))


def _programs(names: tuple[str, ...], shared: Mapping[str, str], ports: Ports) -> tuple[Program, ...]:
    return tuple(
        Program(
            name=name,
            argv=(sys.executable, "-m", f"opsloop_{service_of(name)}"),
            env={**shared, f"{service_of(name).upper()}_PORT": str(ports.of[name])},
            # The sandbox needs nobody, so it is ready as soon as it answers.
            ready_url=f"{ports.url(name)}/{'healthz' if name == SANDBOX else 'readyz'}",
        )
        for name in names
    )


def _closed(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything that OpsLoop or an HTTP client would follow elsewhere."""
    return {
        name: value
        for name, value in environment.items()
        if name in TAKEN_OVER or not (name.startswith(OWN_PREFIXES) or name.upper() in PROXIES)
    }
