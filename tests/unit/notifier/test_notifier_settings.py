"""What the notifier reads from its environment."""

from pathlib import Path

from opsloop_common.settings import Environment
from opsloop_notifier import settings

NEEDED = {"SLACK_BOT_TOKEN": "xoxb-1", "OPSLOOP_SECRET": "a-secret-of-the-tests"}
TASK = '[targets.x]\ntitle = "X"\n[tasks.ugc_audit]\ntitle = "Audit"\n[tasks.ugc_audit.params.days]\ntitle = "Days"\n'


def test_the_catalogue_tells_what_forms_there_are(tmp_path: Path) -> None:
    """It is the one that OPSLOOP_CONFIG names."""
    file = tmp_path / "catalogue.toml"
    file.write_text(TASK)
    env = Environment(NEEDED | {"OPSLOOP_CONFIG": str(file)})
    found = settings.read(env)
    assert env.mistakes == []
    assert list(found.catalogue.tasks["ugc_audit"].params) == ["days"]


def test_mistakes_in_the_catalogue_are_told(tmp_path: Path) -> None:
    """Together with all others, and nothing starts."""
    file = tmp_path / "catalogue.toml"
    file.write_text("[tasks.x]\n")
    env = Environment({"OPSLOOP_CONFIG": str(file)})
    settings.read(env)
    assert any("tasks.x.title" in mistake for mistake in env.mistakes)
    assert any("SLACK_BOT_TOKEN" in mistake for mistake in env.mistakes)


def test_when_doubts_are_looked_into_is_a_list_of_times(tmp_path: Path) -> None:
    """Growing numbers of seconds; anything else is told, and the defaults are those of the documentation."""
    file = tmp_path / "catalogue.toml"
    file.write_text(TASK)
    given = NEEDED | {"OPSLOOP_CONFIG": str(file)}
    assert settings.read(Environment(given)).sweeps_seconds == (60, 600)
    assert settings.read(Environment(given)).settle_seconds == 5
    env = Environment(given | {"NOTIFIER_SWEEPS_SECONDS": "2, 4.5", "NOTIFIER_SETTLE_SECONDS": "0.5"})
    found = settings.read(env)
    assert (found.settle_seconds, found.sweeps_seconds, env.mistakes) == (0.5, (2, 4.5), [])
    for wrong in ("x", "0,1", "5,5", "9,3", "60;600", "nan", "10,inf", "-1", "1,,2"):
        env = Environment(given | {"NOTIFIER_SWEEPS_SECONDS": wrong})
        settings.read(env)
        assert len(env.mistakes) == 1, wrong


def test_the_token_s_file_is_known(tmp_path: Path) -> None:
    """It is read again when the token is refused."""
    file = tmp_path / "token"
    file.write_text("xoxb-from-a-file\n")
    env = Environment({"OPSLOOP_SECRET": NEEDED["OPSLOOP_SECRET"], "SLACK_BOT_TOKEN_FILE": str(file)})
    found = settings.read(env)
    assert (found.bot_token, found.bot_token_file) == ("xoxb-from-a-file", str(file))
