"""What metrics reads from the environment."""

from pathlib import Path

import pytest

from opsloop_common.settings import Environment, SettingsError
from opsloop_metrics import settings

SHIPPED = str(Path(__file__).parents[3] / "opsloop.toml")


def read(**variables: str) -> settings.Settings:
    env = Environment({"OPSLOOP_CONFIG": SHIPPED, **variables})
    found = settings.read(env)
    env.check()
    return found


def test_the_metrics_are_the_catalogue_s() -> None:
    """And without PROMETHEUS_URL there is no Prometheus."""
    found = read()
    assert list(found.metrics) == ["arr_gain", "precision"]
    assert (found.prometheus_url, found.prometheus_token, found.deadline_seconds) == ("", "", 2.0)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"PROMETHEUS_URL": "prometheus:9090"}, "PROMETHEUS_URL"),
        ({"PROMETHEUS_URL": "http://[::"}, "PROMETHEUS_URL='http://\\[::' is not a URL"),
        ({"PROMETHEUS_TOKEN": "a\nb"}, "PROMETHEUS_TOKEN may hold"),
        ({"PROMETHEUS_URL": "https://u:p@host", "PROMETHEUS_TOKEN": "t"}, "keep one"),
        ({"PROMETHEUS_DEADLINE_SECONDS": "soon"}, "PROMETHEUS_DEADLINE_SECONDS"),
        ({"OPSLOOP_CONFIG": "/nowhere.toml"}, "/nowhere.toml: cannot read the catalogue"),
    ],
)
def test_a_mistake_is_a_line(variables: dict[str, str], line: str) -> None:
    """Told before anything starts."""
    with pytest.raises(SettingsError, match=line):
        read(**variables)
