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
