"""What ingress reads from the environment."""

import msgspec

from opsloop_common.redact import Redactor
from opsloop_common.settings import Environment, ServiceSettings, service_settings
from opsloop_ingress.decode import Rules

DEFAULT_PORT = 8080


class IngressSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Several signing secrets are a rotation: each of them is believed."""

    service: ServiceSettings
    signing_secrets: tuple[bytes, ...]
    rules: Rules
    redactor: Redactor


def read(env: Environment) -> IngressSettings:
    """Raises SettingsError with every mistake."""
    service = service_settings(env, "INGRESS_PORT", DEFAULT_PORT)
    given = env.required("SLACK_SIGNING_SECRET", "it proves that a request comes from Slack")
    signing = _list(given)
    if given and not signing:
        env.mistakes.append("SLACK_SIGNING_SECRET holds no secret, only commas")
    buttons = env.secrets()
    rules = Rules(
        button_secrets=buttons,
        teams=frozenset(_list(env.text("SLACK_TEAM_ID"))),
        apps=frozenset(_list(env.text("SLACK_APP_ID"))),
        api_url=env.url("SLACK_API_URL"),
    )
    env.check()
    return IngressSettings(
        service=service,
        signing_secrets=tuple(secret.encode() for secret in signing),
        rules=rules,
        redactor=Redactor((*signing, *buttons)),
    )


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
