"""The notifier's settings, read from the environment once."""

from pathlib import Path

import msgspec

from opsloop_common import catalogue
from opsloop_common.catalogue import Catalogue, CatalogueError
from opsloop_common.settings import Environment, ServiceSettings, service_settings

SLACK_API_URL = "https://slack.com/api/"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    service: ServiceSettings
    catalogue: Catalogue
    bot_token: str
    api_url: str
    grafana_url: str
    public_url: str
    lease_seconds: int
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
        api_url=api_url if api_url.endswith("/") else f"{api_url}/",
        grafana_url=env.url("GRAFANA_URL"),
        public_url=env.url("PUBLIC_URL"),
        lease_seconds=env.count("NOTIFIER_LEASE_SECONDS", 3),
        secrets=secrets,
        hidden=(bot_token, *secrets, env.secret("SLACK_SIGNING_SECRET"), env.secret("SLACK_APP_TOKEN")),
    )


def _catalogue(env: Environment, path: Path) -> Catalogue:
    try:
        return catalogue.load(path)
    except CatalogueError as error:
        env.mistakes += error.mistakes
        return Catalogue(command=catalogue.DEFAULT_COMMAND, tasks={}, targets={})
