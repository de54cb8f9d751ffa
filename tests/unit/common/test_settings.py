"""Reading the environment."""

from pathlib import Path

import pytest

from opsloop_common.settings import Environment, SettingsError


def test_all_mistakes_are_told_at_once() -> None:
    """One start tells everything that has to be set."""
    env = Environment({"X_PORT": "99999", "GRAFANA_URL": "grafana", "OPSLOOP_SECRET": "short"})
    env.port("X_PORT", 1)
    env.url("GRAFANA_URL")
    env.secrets()
    env.required("SLACK_BOT_TOKEN", "posts messages")
    with pytest.raises(SettingsError) as caught:
        env.check()
    assert [line.split("=")[0].split(":")[0].split(" ")[0] for line in caught.value.mistakes] == [
        "X_PORT",
        "GRAFANA_URL",
        "OPSLOOP_SECRET",
        "SLACK_BOT_TOKEN",
    ]


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """NAME_FILE names it; its last line break does not count; both set is a mistake."""
    file = tmp_path / "secret"
    file.write_text("value\n")
    env = Environment({"A_FILE": str(file), "B": "x", "B_FILE": str(file), "C_FILE": str(tmp_path / "none")})
    assert env.secret("A") == "value"
    env.secret("B")
    env.secret("C")
    assert len(env.mistakes) == 2
