"""What metrics reads from the environment."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from opsloop_common import catalogue
from opsloop_common.catalogue import CatalogueError, Metric
from opsloop_common.settings import Environment, ServiceSettings, service_settings
from opsloop_metrics.prometheus import DEADLINE_SECONDS

DEFAULT_PORT = 8083


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `prometheus_url` means that there is none; `deadline_seconds` is for one query to it.

    Annotations go to Grafana where it has both an address and a token.
    """

    service: ServiceSettings
    metrics: dict[str, Metric]
    prometheus_url: str
    prometheus_token: str
    deadline_seconds: float
    grafana_url: str
    grafana_token: str


def read(env: Environment) -> Settings:
    """The settings; mistakes are collected in `env`, whose `check` the caller calls."""
    url, token = env.url("PROMETHEUS_URL"), _token(env, "PROMETHEUS_TOKEN")
    if "@" in _host(env, url) and token:
        env.mistakes.append("PROMETHEUS_URL holds credentials and PROMETHEUS_TOKEN is set: keep one")
    return Settings(
        service=service_settings(env, "METRICS_PORT", DEFAULT_PORT),
        metrics=_metrics(env, Path(env.text("OPSLOOP_CONFIG", "opsloop.toml"))),
        prometheus_url=url,
        prometheus_token=token,
        deadline_seconds=env.seconds("PROMETHEUS_DEADLINE_SECONDS", DEADLINE_SECONDS),
        grafana_url=env.url("GRAFANA_URL"),
        grafana_token=_token(env, "GRAFANA_TOKEN"),
    )


def _token(env: Environment, name: str) -> str:
    token = env.secret(name)
    if not (token.isascii() and token.isprintable()):
        env.mistakes.append(f"{name} may hold visible ASCII characters only")
    return token


def _host(env: Environment, url: str) -> str:
    """The host of the URL with its port and credentials."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        env.mistakes.append(f"PROMETHEUS_URL={url!r} is not a URL")
        return ""


def _metrics(env: Environment, path: Path) -> dict[str, Metric]:
    try:
        return catalogue.load(path).metrics
    except CatalogueError as error:
        env.mistakes += error.mistakes
        return {}
