"""What ingress reads from the environment."""

from pathlib import Path

import msgspec

from opsloop_common import catalogue
from opsloop_common.catalogue import Catalogue, CatalogueError
from opsloop_common.redact import Redactor
from opsloop_common.settings import Environment, ServiceSettings, service_settings
from opsloop_ingress.identity.api import Api
from opsloop_ingress.rules import Rules

DEFAULT_PORT = 8080
SLACK_API_URL = "https://slack.com/api/"
CLERK_API_URL = "https://api.clerk.com/v1"
NO_WAY_IN = (
    "SLACK_SIGNING_SECRET is missing, and so is SLACK_APP_TOKEN: the first proves that a request comes from Slack, the "
    "second opens Socket Mode; set one of them (or name a file that holds it in SLACK_SIGNING_SECRET_FILE or "
    "SLACK_APP_TOKEN_FILE)"
)


class IngressSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Several signing secrets are a rotation: each of them is believed. An empty `app_token`: no Socket Mode.

    `slack` and `clerk` tell who people are; either may have no key.
    """

    service: ServiceSettings
    catalogue: Catalogue
    slack: Api
    clerk: Api
    app_token: str
    slack_api_url: str
    proxy: str
    signing_secrets: tuple[bytes, ...]
    rules: Rules
    redactor: Redactor


def read(env: Environment) -> IngressSettings:
    """Raises SettingsError with every mistake."""
    service = service_settings(env, "INGRESS_PORT", DEFAULT_PORT)
    signing, app_token = _slack(env)
    buttons = env.secrets()
    rules = Rules(
        button_secrets=buttons,
        teams=frozenset(_list(env.text("SLACK_TEAM_ID"))),
        apps=frozenset(_list(env.text("SLACK_APP_ID"))),
        api_url=env.url("SLACK_API_URL"),
    )
    slack_api_url, clerk_api_url = rules.api_url or SLACK_API_URL, env.url("CLERK_API_URL", CLERK_API_URL)
    slack = Api(url=slack_api_url, key=_key(env, "SLACK_BOT_TOKEN", "xoxb-"), proxy=_proxy(env, slack_api_url))
    clerk = Api(url=clerk_api_url, key=_key(env, "CLERK_SECRET_KEY", "sk_"), proxy=_proxy(env, clerk_api_url))
    found = _catalogue(env, Path(env.text("OPSLOOP_CONFIG", "opsloop.toml")))
    env.check()
    return IngressSettings(
        service=service,
        catalogue=found,
        slack=slack,
        clerk=clerk,
        app_token=app_token,
        slack_api_url=slack_api_url,
        proxy=slack.proxy,
        signing_secrets=tuple(secret.encode() for secret in signing),
        rules=rules.knowing(found),
        redactor=Redactor((*signing, *buttons, app_token, slack.key, clerk.key)),
    )


def _catalogue(env: Environment, path: Path) -> Catalogue:
    try:
        return catalogue.load(path)
    except CatalogueError as error:
        env.mistakes += error.mistakes
        return Catalogue(command=catalogue.DEFAULT_COMMAND, tasks={}, targets={})


def _key(env: Environment, name: str, start: str) -> str:
    """A secret that need not be there; it goes into a header, so it may hold nothing that breaks one."""
    key = env.secret(name)
    if key and not (key.startswith(start) and key.isascii() and key.isprintable()):
        env.mistakes.append(f"{name} is not a key: it starts with {start} and holds visible ASCII characters only")
    return key


def _proxy(env: Environment, url: str) -> str:
    """As slack_sdk does it elsewhere: a firewall with a proxy is a reason to use Socket Mode."""
    return env.text("HTTPS_PROXY", env.text("https_proxy")) if url.startswith("https:") else ""


def _slack(env: Environment) -> tuple[tuple[str, ...], str]:
    """The signing secrets and the app-level token: one of the two must be there, both may."""
    given, app_token = env.secret("SLACK_SIGNING_SECRET"), env.secret("SLACK_APP_TOKEN")
    if not given and not app_token:
        env.mistakes.append(NO_WAY_IN)
    signing = _list(given)
    if given and not signing:
        env.mistakes.append("SLACK_SIGNING_SECRET holds no secret, only commas")
    if app_token and not app_token.startswith("xapp-"):
        env.mistakes.append("SLACK_APP_TOKEN does not start with xapp-: it is an app-level token (connections:write)")
    return signing, app_token


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
