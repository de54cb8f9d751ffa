"""What ingress reads from the environment."""

import msgspec

from opsloop_common.redact import Redactor
from opsloop_common.settings import Environment, ServiceSettings, service_settings
from opsloop_ingress.decode import Rules

DEFAULT_PORT = 8080
SLACK_API_URL = "https://slack.com/api/"
NO_WAY_IN = (
    "SLACK_SIGNING_SECRET is missing, and so is SLACK_APP_TOKEN: the first proves that a request comes from Slack, the "
    "second opens Socket Mode; set one of them (or name a file that holds it in SLACK_SIGNING_SECRET_FILE or "
    "SLACK_APP_TOKEN_FILE)"
)


class IngressSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Several signing secrets are a rotation: each of them is believed. An empty `app_token`: no Socket Mode."""

    service: ServiceSettings
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
    slack_api_url = rules.api_url or SLACK_API_URL
    env.check()
    return IngressSettings(
        service=service,
        app_token=app_token,
        slack_api_url=slack_api_url,
        # As slack_sdk does it elsewhere: a firewall with a proxy is a reason to use Socket Mode.
        proxy=env.text("HTTPS_PROXY", env.text("https_proxy")) if slack_api_url.startswith("https:") else "",
        signing_secrets=tuple(secret.encode() for secret in signing),
        rules=rules,
        redactor=Redactor((*signing, *buttons, app_token)),
    )


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
