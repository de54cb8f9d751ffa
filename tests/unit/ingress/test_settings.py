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


def test_socket_mode_instead_of_http() -> None:
    """An app-level token is enough; it is hidden from the log, and Slack's own address is the default."""
    found = settings.read(Environment({"OPSLOOP_SECRET": "0123456789abcdef", "SLACK_APP_TOKEN": "xapp-secret"}))
    assert found.signing_secrets == ()
    assert found.app_token == "xapp-secret"
    assert found.slack_api_url == "https://slack.com/api/"
    assert found.redactor("say xapp-secret") == "say [redacted]"


def test_both_ways_in(tmp_path: Path) -> None:
    """Socket Mode beside HTTP; the token may lie in a file."""
    (tmp_path / "t").write_text("xapp-from-a-file\n")
    found = settings.read(Environment(NEEDED | {"SLACK_APP_TOKEN_FILE": str(tmp_path / "t")}))
    assert (found.app_token, len(found.signing_secrets)) == ("xapp-from-a-file", 2)
    assert settings.read(Environment(NEEDED)).app_token == ""


def test_no_way_in_names_both_variables() -> None:
    """One line, and it says what each of the two is for."""
    with pytest.raises(SettingsError) as caught:
        settings.read(Environment({"OPSLOOP_SECRET": "0123456789abcdef"}))
    (line,) = caught.value.mistakes
    assert "SLACK_SIGNING_SECRET" in line
    assert "SLACK_APP_TOKEN" in line


def test_another_kind_of_token_is_not_taken() -> None:
    """A bot token in the wrong variable is told, not shown."""
    with pytest.raises(SettingsError, match="xapp-") as caught:
        settings.read(Environment(NEEDED | {"SLACK_APP_TOKEN": "xoxb-1-2-abcdef"}))
    assert "abcdef" not in str(caught.value)


def test_who_people_are() -> None:
    """Both keys may be missing; they are hidden from the log, and Clerk's own address is the default."""
    assert (settings.read(Environment(NEEDED)).slack.key, settings.read(Environment(NEEDED)).clerk.key) == ("", "")
    found = settings.read(
        Environment(NEEDED | {"SLACK_BOT_TOKEN": "xoxb-of-the-bot", "CLERK_SECRET_KEY": "sk_of_clerk"})
    )
    assert (found.slack.url, found.slack.key) == ("https://slack.com/api/", "xoxb-of-the-bot")
    assert (found.clerk.url, found.clerk.key) == ("https://api.clerk.com/v1", "sk_of_clerk")
    assert found.redactor("xoxb-of-the-bot sk_of_clerk") == "[redacted] [redacted]"


def test_the_key_of_clerk_from_a_file(tmp_path: Path) -> None:
    """Like every secret."""
    (tmp_path / "k").write_text("sk_from_a_file\n")
    found = settings.read(Environment(NEEDED | {"CLERK_SECRET_KEY_FILE": str(tmp_path / "k")}))
    assert found.clerk.key == "sk_from_a_file"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLERK_SECRET_KEY", "pk_test_abcdef"),
        ("CLERK_SECRET_KEY", "sk_test\r\nabcdef"),
        ("SLACK_BOT_TOKEN", "xoxp-abcdef"),
        ("CLERK_API_URL", "api.clerk.com"),
    ],
)
def test_what_is_no_key_is_told_not_shown(name: str, value: str) -> None:
    """One line that begins with the variable."""
    with pytest.raises(SettingsError) as caught:
        settings.read(Environment(NEEDED | {name: value}))
    (line,) = caught.value.mistakes
    assert line.startswith(name)
    assert "abcdef" not in line


def test_the_catalogue_is_read(tmp_path: Path) -> None:
    """It says who is verified where there is no identity provider; its mistakes are told with all others."""
    file = tmp_path / "catalogue.toml"
    file.write_text('[tasks.a]\ntitle = "A"\n[targets.b]\ntitle = "B"\n[access]\nverified = ["boss@x.example"]\n')
    found = settings.read(Environment(NEEDED | {"OPSLOOP_CONFIG": str(file)}))
    assert found.catalogue.access.verified == ("boss@x.example",)
    file.write_text("[tasks.a]\n")
    with pytest.raises(SettingsError) as caught:
        settings.read(Environment({"OPSLOOP_CONFIG": str(file)}))
    text = "\n".join(caught.value.mistakes)
    for wanted in (f"{file}:1: tasks.a.title: title is missing", "SLACK_SIGNING_SECRET", "OPSLOOP_SECRET"):
        assert wanted in text


def test_proxy_is_for_slack_outside_only() -> None:
    """As slack_sdk takes it elsewhere; a local Slack needs none."""
    proxied = NEEDED | {"HTTPS_PROXY": "http://proxy:3128"}
    assert settings.read(Environment(proxied)).proxy == "http://proxy:3128"
    assert settings.read(Environment(proxied | {"SLACK_API_URL": "http://127.0.0.1:1/api/"})).proxy == ""
