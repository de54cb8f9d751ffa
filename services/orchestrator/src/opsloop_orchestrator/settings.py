"""What the orchestrator reads from its environment."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec

from opsloop_common import catalogue, crash
from opsloop_common.catalogue import Catalogue, CatalogueError
from opsloop_common.settings import Environment, ServiceSettings, service_settings

PASSED_TO_RUNNERS = (
    "PATH",
    "PYTHONPATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    crash.AT,
    crash.RECORD,
)
"""A task sees only this much of the environment; its secrets reach it by name."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`slots` is how many tasks run side by side; `secrets` maps each target to its secrets by name.

    A process that is silent for `lease_seconds` is dead to all others, which look for its tasks every `sweep_seconds`.
    """

    service: ServiceSettings
    catalogue: Catalogue
    slots: int
    start_within: timedelta
    lease_seconds: int = 4
    sweep_seconds: float = 1.0
    secrets: dict[str, dict[str, str]]
    runner_environment: dict[str, str]


def read(variables: Mapping[str, str]) -> Settings:
    """Raises SettingsError with everything that is missing or malformed, the catalogue's mistakes included."""
    env = Environment(variables)
    service = service_settings(env, "ORCHESTRATOR_PORT", 8081)
    slots = env.count("ORCHESTRATOR_SLOTS", 4)
    start_within = env.seconds("ORCHESTRATOR_START_WITHIN_SECONDS", 600)
    found = _catalogue(env, Path(env.text("OPSLOOP_CONFIG", "opsloop.toml")))
    secrets = {
        target.name: {name: env.secret(variable) for name, variable in target.secrets.items()}
        for target in found.targets.values()
    }
    env.check()
    return Settings(
        service=service,
        catalogue=found,
        slots=slots,
        start_within=timedelta(seconds=start_within),
        lease_seconds=env.count("ORCHESTRATOR_LEASE_SECONDS", 4),
        sweep_seconds=env.seconds("ORCHESTRATOR_SWEEP_SECONDS", 1),
        secrets=secrets,
        runner_environment={name: variables[name] for name in PASSED_TO_RUNNERS if name in variables},
    )


def _catalogue(env: Environment, path: Path) -> Catalogue:
    try:
        return catalogue.load(path)
    except CatalogueError as error:
        env.mistakes += error.mistakes
        return Catalogue(command=catalogue.DEFAULT_COMMAND, tasks={}, targets={})
