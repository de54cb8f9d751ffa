"""What metrics reads from the environment."""

from opsloop_common.settings import Environment, ServiceSettings, service_settings

DEFAULT_PORT = 8083


def read(env: Environment) -> ServiceSettings:
    """The settings; mistakes are collected in `env`, whose `check` the caller calls."""
    return service_settings(env, "METRICS_PORT", DEFAULT_PORT)
