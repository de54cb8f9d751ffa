"""The environment is read as a whole."""

from pathlib import Path

import pytest

from opsloop_common.settings import Environment, SettingsError
from opsloop_ingress import settings

NEEDED = {"SLACK_SIGNING_SECRET": "first-secret, second-secret", "OPSLOOP_SECRET": "0123456789abcdef"}


def test_everything() -> None:
    """Lists are separated by commas; what is not set has a default."""
    found = settings.read(
        Environment(NEEDED | {"SLACK_TEAM_ID": "T1, T2", "SLACK_APP_ID": "A1", "SLACK_API_URL": "http://x/api/"})
    )
    assert found.signing_secrets == (b"first-secret", b"second-secret")
    assert found.rules.teams == {"T1", "T2"}
    assert found.rules.apps == {"A1"}
    assert found.rules.api_url == "http://x/api/"
    assert (found.service.host, found.service.port) == ("127.0.0.1", 8080)
    assert found.redactor("second-secret 0123456789abcdef") == "[redacted] [redacted]"


def test_all_mistakes_at_once() -> None:
    """A missing secret, an unreadable file and a bad port are told together, each once."""
    with pytest.raises(SettingsError) as caught:
        settings.read(Environment({"INGRESS_PORT": "http", "SLACK_SIGNING_SECRET_FILE": "/nowhere"}))
    names = [mistake.split("=")[0].split(" ")[0].rstrip(":") for mistake in caught.value.mistakes]
    assert sorted(set(names)) == ["INGRESS_PORT", "OPSLOOP_SECRET", "SLACK_SIGNING_SECRET", "SLACK_SIGNING_SECRET_FILE"]


def test_only_commas_are_no_secret() -> None:
    """Without a single secret nobody could be believed."""
    with pytest.raises(SettingsError, match="no secret"):
        settings.read(Environment(NEEDED | {"SLACK_SIGNING_SECRET": " , "}))


def test_secret_from_a_file(tmp_path: Path) -> None:
    """Each secret may lie in a file."""
    (tmp_path / "s").write_text("from-a-file\n")
    found = settings.read(
        Environment({"OPSLOOP_SECRET": "0123456789abcdef", "SLACK_SIGNING_SECRET_FILE": str(tmp_path / "s")})
    )
    assert found.signing_secrets == (b"from-a-file",)
