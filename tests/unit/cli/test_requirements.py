"""What `up` needs, told all at once."""

from pathlib import Path

import msgspec
import pytest

from opsloop_cli import requirements
from opsloop_common.catalogue import Access, Catalogue, TaskType
from opsloop_common.settings import Environment
from opsloop_common.task import Target

GOOD = {"SLACK_BOT_TOKEN": "xoxb-1-2-abc", "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef"}
CATALOGUE = Catalogue(
    command="/x",
    tasks={"fix": TaskType(name="fix", title="Fix")},
    targets={"a": Target(name="a", title="A", secrets={"token": "A_TOKEN"})},
)


def mistakes(variables: dict[str, str], *scale: str, catalogue: Catalogue = CATALOGUE) -> list[str]:
    env = Environment(variables)
    requirements.read(env, scale, catalogue)
    return env.mistakes


def test_a_complete_environment_has_no_mistakes() -> None:
    """Two Slack variables are enough; the broker is embedded."""
    assert mistakes(GOOD) == []


def test_everything_missing_is_listed_at_once() -> None:
    """One line each, naming the variable."""
    found = mistakes({"NATS_URL": "nats://broker:4222"})
    assert [line.split(" ")[0] for line in found] == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "OPSLOOP_SECRET"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-someone"),
        ("SLACK_SIGNING_SECRET", "xapp-1-2-3-4-5-6-7-8"),
        ("SLACK_SIGNING_SECRET", "short"),
        ("SLACK_APP_TOKEN", "xoxb-1-2-3-4-5-6"),
        ("SLACK_API_URL", "slack.com/api"),
        ("PROMETHEUS_URL", "prometheus:9090"),
        ("OPSLOOP_ROOT", "a.b"),
        ("OPSLOOP_LOG_LEVEL", "loud"),
    ],
)
def test_a_malformed_variable_is_named_without_its_secret(name: str, value: str) -> None:
    """Exactly one line, which starts with the variable; a token is never repeated."""
    (line,) = mistakes({**GOOD, name: value})
    assert line.startswith(name)
    if name.startswith("SLACK_") and "URL" not in name:
        assert value not in line


def test_an_external_broker_needs_a_good_address_and_a_long_secret() -> None:
    """A short secret or an HTTP address is refused before anything starts."""
    found = mistakes({**GOOD, "NATS_URL": "http://broker", "OPSLOOP_SECRET": "short"})
    assert len(found) == 2
    assert found[0].startswith("NATS_URL")
    assert found[1].startswith("OPSLOOP_SECRET")


def test_socket_mode_needs_no_signing_secret(tmp_path: Path) -> None:
    """An app-level token is enough, in the variable or in a file; both ways together are fine too."""
    bot = {"SLACK_BOT_TOKEN": "xoxb-1"}
    (tmp_path / "token").write_text("xapp-1\n")
    assert mistakes({**bot, "SLACK_APP_TOKEN": "xapp-1"}) == []
    assert mistakes({**bot, "SLACK_APP_TOKEN_FILE": str(tmp_path / "token")}) == []
    assert mistakes({**GOOD, "SLACK_APP_TOKEN": "xapp-1"}) == []


def test_one_way_in_must_be_there() -> None:
    """The line names both variables."""
    (line,) = mistakes({"SLACK_BOT_TOKEN": "xoxb-1"})
    assert "SLACK_SIGNING_SECRET" in line
    assert "SLACK_APP_TOKEN" in line


def asking_for(*run_by: str, sensitive: bool = False, verified: tuple[str, ...] = ()) -> Catalogue:
    task = TaskType(name="wipe", title="Wipe", sensitive=sensitive, run_by=run_by)
    return Catalogue(command="/x", tasks={"wipe": task}, targets={}, access=Access(verified=verified))


@pytest.mark.parametrize("catalogue", [asking_for("*", sensitive=True), asking_for("boss@x.example")])
def test_a_task_for_verified_people_needs_somebody_who_verifies(catalogue: Catalogue) -> None:
    """One line names the task and both ways out; either of them is enough."""
    (line,) = mistakes(GOOD, catalogue=catalogue)
    for wanted in ("wipe", "CLERK_SECRET_KEY", "[access] verified"):
        assert wanted in line
    assert mistakes({**GOOD, "CLERK_SECRET_KEY": "sk_test_1"}, catalogue=catalogue) == []
    listed = msgspec.structs.replace(catalogue, access=Access(verified=("boss@x.example",)))
    assert mistakes(GOOD, catalogue=listed) == []


def test_a_task_that_is_open_by_user_id_needs_nobody_who_verifies() -> None:
    """Somebody may run it all the same."""
    assert mistakes(GOOD, catalogue=asking_for("U0ALICE", "boss@x.example")) == []


def test_a_publishable_key_is_not_taken_for_the_secret_one() -> None:
    """The line names the variable, not its value."""
    (line,) = mistakes({**GOOD, "CLERK_SECRET_KEY": "pk_live_abcdef"})
    assert line.startswith("CLERK_SECRET_KEY")
    assert "abcdef" not in line


@pytest.mark.parametrize("word", ["nothing=2", "ingress=0", "ingress=x", "ingress", "ingress=33"])
def test_a_scale_that_does_not_work_is_refused(word: str) -> None:
    """One line each."""
    (line,) = mistakes(GOOD, word)
    assert word in line


def test_a_scale_that_works_is_taken() -> None:
    """The last one counts."""
    read = requirements.read(Environment(GOOD), ("ingress=2", "ingress=3", "notifier=2"), CATALOGUE)
    assert read.scale == {"ingress": 3, "notifier": 2}


def test_what_is_off_is_listed() -> None:
    """Each optional variable, the unverified broker, and the secrets that targets will miss."""
    text = "\n".join(requirements.off(Environment({**GOOD, "NATS_URL": "nats://x"}), GOOD, CATALOGUE))
    for wanted in (
        "PROMETHEUS_URL",
        "GRAFANA_URL",
        "PUBLIC_URL",
        "nobody counts as verified",
        "durability not verified",
        "A_TOKEN is not set",
    ):
        assert wanted in text


def test_a_list_of_verified_people_is_no_gap() -> None:
    """Without an identity provider the catalogue's list says who is verified."""
    lines = requirements.off(Environment(GOOD), GOOD, asking_for("*", verified=("boss@x.example",)))
    assert not any("CLERK" in line for line in lines)


def test_what_is_set_is_not_off() -> None:
    """With everything set nothing is listed."""
    names = (
        "PROMETHEUS_URL",
        "GRAFANA_URL",
        "PUBLIC_URL",
        "NATS_MONITOR_URL",
        "CLERK_SECRET_KEY",
        "NATS_URL",
        "A_TOKEN",
    )
    everything = dict.fromkeys(names, "http://x")
    assert requirements.off(Environment(everything), everything, CATALOGUE) == []
