"""What the environment says about a deployment, and what is wrong with that already."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from opsloop_cli import requirements
from opsloop_cli.doctor.finding import Finding, ok, warning, wrong
from opsloop_common import catalogue
from opsloop_common.catalogue import Catalogue, CatalogueError
from opsloop_common.settings import Environment
from opsloop_common.subjects import Subjects

MEND_SETTING = "correct the variable where the services get their environment from, and start them again"
MEND_OFF = "set it, if that is wanted"


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """An empty text: it is not set."""

    nats_url: str
    nats_monitor_url: str
    allow_unsynced: bool
    subjects: Subjects
    publishers: tuple[str, ...]
    slack_api_url: str
    bot_token: str
    app_token: str
    signing_secret: str
    public_url: str
    clerk_api_url: str
    clerk_key: str
    prometheus_url: str
    prometheus_token: str
    grafana_url: str
    grafana_token: str
    proxy: str


def read(variables: Mapping[str, str]) -> tuple[Deployment, list[Finding]]:
    """The deployment as far as it can be read, and a finding for each mistake and each thing that is off."""
    env = Environment(variables)
    found = _catalogue(env)
    requirements.read(env, (), found)
    deployment = _deployment(env, found)
    mistakes = list(dict.fromkeys(env.mistakes))
    findings = [wrong("settings", mistake, MEND_SETTING) for mistake in mistakes]
    findings += (
        [warning("settings", line, MEND_OFF) for line in requirements.off(env, variables, found)] if found else []
    )
    return deployment, findings or [ok("settings", "nothing is missing or malformed")]


def _deployment(env: Environment, found: Catalogue | None) -> Deployment:
    return Deployment(
        nats_url=env.text("NATS_URL", "nats://127.0.0.1:4222"),
        nats_monitor_url=env.url("NATS_MONITOR_URL"),
        allow_unsynced=env.text("OPSLOOP_ALLOW_UNSYNCED") == "1",
        subjects=env.root(),
        publishers=tuple(found.publishers) if found else (),
        slack_api_url=env.url("SLACK_API_URL", "https://slack.com/api/").rstrip("/"),
        bot_token=env.secret("SLACK_BOT_TOKEN"),
        app_token=env.secret("SLACK_APP_TOKEN"),
        signing_secret=env.secret("SLACK_SIGNING_SECRET").partition(",")[0].strip(),
        public_url=env.url("PUBLIC_URL").rstrip("/"),
        clerk_api_url=env.url("CLERK_API_URL", "https://api.clerk.com/v1").rstrip("/"),
        clerk_key=env.secret("CLERK_SECRET_KEY"),
        prometheus_url=env.url("PROMETHEUS_URL").rstrip("/"),
        prometheus_token=env.secret("PROMETHEUS_TOKEN"),
        grafana_url=env.url("GRAFANA_URL").rstrip("/"),
        grafana_token=env.secret("GRAFANA_TOKEN"),
        proxy=env.text("HTTPS_PROXY", env.text("https_proxy")),
    )


def _catalogue(env: Environment) -> Catalogue | None:
    try:
        return catalogue.load(Path(env.text("OPSLOOP_CONFIG", "opsloop.toml")))
    except CatalogueError as error:
        env.mistakes += error.mistakes
        return None
