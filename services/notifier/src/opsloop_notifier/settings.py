"""The notifier's settings, read from the environment once."""

from itertools import pairwise
from pathlib import Path

import msgspec

from opsloop_common import catalogue
from opsloop_common.catalogue import Catalogue, CatalogueError
from opsloop_common.settings import Environment, ServiceSettings, service_settings

SLACK_API_URL = "https://slack.com/api/"
SETTLE_SECONDS = 5.0
SWEEPS_SECONDS = (60.0, 600.0)
MOST_SECONDS = 24 * 3600.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    service: ServiceSettings
    catalogue: Catalogue
    bot_token: str
    bot_token_file: str
    """Where the token was read from, for a new one may be put there; empty when it was given as it is."""
    api_url: str
    grafana_url: str
    public_url: str
    lease_seconds: int
    settle_seconds: float
    sweeps_seconds: tuple[float, ...]
    secrets: tuple[str, ...]
    hidden: tuple[str, ...]
    """Values that never leave in a message or a log."""


def read(env: Environment) -> Settings:
    """Collects mistakes in `env`; the caller checks them."""
    bot_token = env.required("SLACK_BOT_TOKEN", "without it nothing can be shown in Slack")
    secrets = env.secrets()
    api_url = env.url("SLACK_API_URL", SLACK_API_URL)
    return Settings(
        service=service_settings(env, "NOTIFIER_PORT", 8082),
        catalogue=_catalogue(env, Path(env.text("OPSLOOP_CONFIG", "opsloop.toml"))),
        bot_token=bot_token,
        bot_token_file=env.text("SLACK_BOT_TOKEN_FILE"),
        api_url=api_url if api_url.endswith("/") else f"{api_url}/",
        grafana_url=env.url("GRAFANA_URL"),
        public_url=env.url("PUBLIC_URL"),
        lease_seconds=env.count("NOTIFIER_LEASE_SECONDS", 3),
        settle_seconds=env.seconds("NOTIFIER_SETTLE_SECONDS", SETTLE_SECONDS),
        sweeps_seconds=_sweeps(env),
        secrets=secrets,
        hidden=(bot_token, *secrets, env.secret("SLACK_SIGNING_SECRET"), env.secret("SLACK_APP_TOKEN")),
    )


def _sweeps(env: Environment) -> tuple[float, ...]:
    text = env.text("NOTIFIER_SWEEPS_SECONDS")
    if not text:
        return SWEEPS_SECONDS
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    are_growing = all(a < b for a, b in pairwise((0.0, *found, MOST_SECONDS)))
    if not found or not are_growing:
        env.mistakes.append(
            f"NOTIFIER_SWEEPS_SECONDS={text!r} is not a list of growing numbers of seconds, like 60,600"
        )
        return SWEEPS_SECONDS
    return found


def _catalogue(env: Environment, path: Path) -> Catalogue:
    try:
        return catalogue.load(path)
    except CatalogueError as error:
        env.mistakes += error.mistakes
        return Catalogue(command=catalogue.DEFAULT_COMMAND, tasks={}, targets={})
