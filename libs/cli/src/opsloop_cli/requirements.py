"""What `opsloop up` needs from the environment, every mistake in it at once, and what is off. Reads secrets' files."""

from collections.abc import Mapping

import msgspec

from opsloop_cli.plan import SERVICES
from opsloop_common.catalogue import Catalogue, TaskType
from opsloop_common.settings import Environment

SHORTEST_SIGNING_SECRET = 16
MOST_REPLICAS = 32
NATS_SCHEMES = ("nats://", "tls://", "ws://", "wss://")
NO_WAY_IN = (
    "SLACK_SIGNING_SECRET is missing, and so is SLACK_APP_TOKEN: the first proves that a request is Slack's, the "
    "second opens Socket Mode; set one of them (or name a file that holds it in SLACK_SIGNING_SECRET_FILE or "
    "SLACK_APP_TOKEN_FILE)"
)

OPTIONAL = {
    "PROMETHEUS_URL": "no figures from Prometheus in messages",
    "GRAFANA_URL": "no Grafana links in messages",
    "PUBLIC_URL": "no links to run pages in messages",
}
NOBODY_VERIFIED = (
    "CLERK_SECRET_KEY is not set, and [access] verified of the catalogue is empty: nobody counts as verified"
)
NOBODY_MAY = (
    "CLERK_SECRET_KEY is missing, and [access] verified of the catalogue is empty: {0} in the catalogue for verified "
    "people alone, so nobody could run {1}; set the key, or list people's e-mail addresses in [access] verified"
)
UNVERIFIED = "NATS_MONITOR_URL is not set: durability not verified (a client cannot see the broker's sync_interval)"


class Required(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment names. An empty `nats_url` asks for the embedded broker.

    Slack's requests arrive `over_http`, over `socket_mode`, or over both.
    """

    nats_url: str
    over_http: bool
    socket_mode: bool
    scale: dict[str, int]


def read(env: Environment, scale: tuple[str, ...], catalogue: Catalogue | None) -> Required:
    """Collects every mistake in `env`; the caller checks. `catalogue` None: it could not be read, which is told."""
    _slack(env)
    nats_url = env.text("NATS_URL")
    if nats_url:
        _broker(env, nats_url)
    for name in ("SLACK_API_URL", "CLERK_API_URL", "PROMETHEUS_URL", "GRAFANA_URL", "PUBLIC_URL", "NATS_MONITOR_URL"):
        env.url(name)
    env.root()
    env.one_of("OPSLOOP_LOG_LEVEL", "info", ("debug", "info", "warning", "error"))
    env.one_of("OPSLOOP_ALLOW_UNSYNCED", "0", ("0", "1"))
    _identity(env, catalogue)
    return Required(
        nats_url=nats_url,
        over_http=_given(env, "SLACK_SIGNING_SECRET"),
        socket_mode=_given(env, "SLACK_APP_TOKEN"),
        scale=_scale(env, scale),
    )


def off(env: Environment, variables: Mapping[str, str], catalogue: Catalogue) -> list[str]:
    """One line for each thing that does not work without a variable that is not set."""
    lines = [f"{name} is not set: {what}" for name, what in OPTIONAL.items() if not _given(env, name)]
    if not _tells_who(env, catalogue):
        lines.append(NOBODY_VERIFIED)
    if env.text("NATS_URL") and not env.text("NATS_MONITOR_URL"):
        lines.append(UNVERIFIED)
    return lines + _missing_target_secrets(variables, catalogue)


def _slack(env: Environment) -> None:
    token = env.required("SLACK_BOT_TOKEN", "it writes messages")
    if token and not token.startswith("xoxb-"):
        env.mistakes.append(
            "SLACK_BOT_TOKEN does not start with xoxb-: it is the bot token of the page OAuth & Permissions"
        )
    secret, app_token = env.secret("SLACK_SIGNING_SECRET"), env.secret("SLACK_APP_TOKEN")
    if not _given(env, "SLACK_SIGNING_SECRET") and not _given(env, "SLACK_APP_TOKEN"):
        env.mistakes.append(NO_WAY_IN)
    if app_token and not app_token.startswith("xapp-"):
        env.mistakes.append(
            "SLACK_APP_TOKEN does not start with xapp-: it is an app-level token with the scope connections:write, of "
            "the page Basic Information"
        )
    if secret and (len(secret) < SHORTEST_SIGNING_SECRET or secret.startswith(("xox", "xapp-"))):
        env.mistakes.append(
            "SLACK_SIGNING_SECRET is not a signing secret: it is on the page Basic Information, 32 digits"
        )


def _broker(env: Environment, url: str) -> None:
    if not url.startswith(NATS_SCHEMES):
        env.mistakes.append(f"NATS_URL does not start with one of {', '.join(NATS_SCHEMES)}")
    env.secrets()


def _identity(env: Environment, catalogue: Catalogue | None) -> None:
    """Tasks for verified people need somebody who says who is."""
    key = env.secret("CLERK_SECRET_KEY")
    if key and not key.startswith("sk_"):
        env.mistakes.append(
            "CLERK_SECRET_KEY does not start with sk_: it is the secret key of the page API keys, not the "
            "publishable one"
        )
    if catalogue is None or _tells_who(env, catalogue):
        return
    names = [name for name, task in catalogue.tasks.items() if task.asks_who and not _is_open_to(task)]
    if names:
        are, those = ("is", "it") if len(names) == 1 else ("are", "them")
        env.mistakes.append(NOBODY_MAY.format(f"{', '.join(names)} {are}", those))


def _tells_who(env: Environment, catalogue: Catalogue) -> bool:
    """Whether there is an identity provider, or a list of verified people."""
    return _given(env, "CLERK_SECRET_KEY") or bool(catalogue.access.verified)


def _is_open_to(task: TaskType) -> bool:
    """Whether somebody may run the task by their user id, verified or not."""
    return not task.sensitive and any("@" not in entry for entry in task.run_by)


def _scale(env: Environment, words: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        service, _, number = word.partition("=")
        if service not in SERVICES or not number.isdecimal() or not 1 <= int(number) <= MOST_REPLICAS:
            env.mistakes.append(
                f"--scale {word}: write SERVICE=N with one of {', '.join(SERVICES)} and N from 1 to {MOST_REPLICAS}"
            )
        else:
            found[service] = int(number)
    return found


def _missing_target_secrets(variables: Mapping[str, str], catalogue: Catalogue) -> list[str]:
    users: dict[str, list[str]] = {}
    for target in catalogue.targets.values():
        for variable in target.secrets.values():
            if not variables.get(variable) and not variables.get(f"{variable}_FILE"):
                users.setdefault(variable, []).append(target.name)
    return [f"{variable} is not set: tasks on {', '.join(names)} will fail" for variable, names in users.items()]


def _given(env: Environment, name: str) -> bool:
    return bool(env.text(name) or env.text(f"{name}_FILE"))
