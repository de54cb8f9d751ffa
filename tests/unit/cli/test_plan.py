"""What is started, and with which environment."""

import sys
from pathlib import Path

from opsloop_cli import embedded, plan
from opsloop_cli.plan import Program, Secrets
from opsloop_cli.ports import Ports

SECRETS = Secrets(
    opsloop="s" * 20, signing="g" * 20, bot_token="xoxb-demo-1", content_token="c" * 20, clerk_key="sk_test_demo"
)
PORTS = Ports(
    host="127.0.0.1",
    of={"sandbox": 9090, "ingress": 9080, "orchestrator": 9081, "notifier": 9082, "metrics": 9083},
    nats=9422,
    nats_monitor=9822,
)
REAL = {
    "PATH": "/bin",
    "SLACK_BOT_TOKEN": "xoxb-real",
    "SLACK_APP_TOKEN": "xapp-real",
    "NATS_URL": "nats://production:4222",
    "OPSLOOP_SECRET_FILE": "/run/secret",
    "OPSLOOP_ROOT": "prod",
    "https_proxy": "http://proxy:3128",
    "CLERK_SECRET_KEY": "sk_live_real",
    "OPSLOOP_LOG_LEVEL": "debug",
}


def demo() -> dict[str, Program]:
    programs = plan.demo(REAL, Path("/data"), PORTS, SECRETS, Path("/data/opsloop.toml"))
    return {program.name: program for program in programs}


def test_the_demo_runs_the_sandbox_and_every_service() -> None:
    """Each is a module of this Python, with its own port and the address where it says that it is ready."""
    programs = demo()
    assert set(programs) == {"sandbox", "ingress", "orchestrator", "notifier", "metrics"}
    assert programs["notifier"].argv == (sys.executable, "-m", "opsloop_notifier")
    assert programs["notifier"].env["NOTIFIER_PORT"] == "9082"
    assert programs["notifier"].ready_url == "http://127.0.0.1:9082/readyz"


def test_nothing_real_reaches_the_demo() -> None:
    """A token, broker, root or proxy of the surrounding environment is not the demo's; the log level is."""
    for program in demo().values():
        assert "real" not in str(program.env)
        assert "production" not in str(program.env)
        names = set(program.env)
        assert not names & {"SLACK_APP_TOKEN", "OPSLOOP_SECRET_FILE", "OPSLOOP_ROOT", "https_proxy"}
        assert program.env["PATH"] == "/bin"
        assert program.env["OPSLOOP_LOG_LEVEL"] == "debug"


def test_the_demo_s_processes_find_each_other() -> None:
    """The broker, the local Slack with its Prometheus and its Clerk, and ingress are where the ports say."""
    environment = demo()["sandbox"].env
    assert environment["NATS_URL"] == "nats://127.0.0.1:9422"
    assert environment["NATS_MONITOR_URL"] == "http://127.0.0.1:9822"
    assert environment["SLACK_API_URL"] == "http://127.0.0.1:9090/api/"
    assert environment["PROMETHEUS_URL"] == "http://127.0.0.1:9090/prometheus"
    assert environment["CLERK_API_URL"] == "http://127.0.0.1:9090/clerk/v1"
    assert environment["SANDBOX_APP_URL"] == "http://127.0.0.1:9080"


def test_the_demo_has_an_identity_provider_of_its_own() -> None:
    """The sandbox takes the key that ingress has."""
    programs = demo()
    assert programs["ingress"].env["CLERK_SECRET_KEY"] == programs["sandbox"].env["CLERK_SECRET_KEY"] == "sk_test_demo"


def test_processes_that_listen_everywhere_are_reached_over_loopback() -> None:
    """0.0.0.0 is an address to bind, not one to call."""
    assert Ports(host="0.0.0.0", of={"ingress": 1}).url("ingress") == "http://127.0.0.1:1"  # noqa: S104


def test_replicas_are_numbered_and_have_ports_of_their_own() -> None:
    """The first keeps the service's name; all run the same module with the same variable for their port."""
    assert plan.process_names({"ingress": 3})[:4] == ("ingress", "ingress-2", "ingress-3", "orchestrator")
    ports = Ports(host="127.0.0.1", of={"ingress": 1, "ingress-2": 2})
    second = plan.services({}, ports, {})[1]
    assert (second.name, second.argv[-1], second.env["INGRESS_PORT"]) == ("ingress-2", "opsloop_ingress", "2")


def test_up_passes_the_environment_on_and_our_choices_win() -> None:
    """The services see what the operator set, and the broker that was started for them."""
    ports = Ports(host="127.0.0.1", of={"ingress": 1})
    (ingress,) = plan.services(REAL, ports, {"NATS_URL": "nats://127.0.0.1:1"})
    assert ingress.env["SLACK_BOT_TOKEN"] == "xoxb-real"
    assert ingress.env["NATS_URL"] == "nats://127.0.0.1:1"


def test_the_catalogue_follows_the_sandbox() -> None:
    """Dealers' sites move with the sandbox's port; other addresses stay."""
    text = 'a = "http://127.0.0.1:8090/sites/a/"\nb = "http://example.com:8090/"\n'
    moved = plan.catalogue_for_sandbox(text, "http://127.0.0.1:9090")
    assert moved == 'a = "http://127.0.0.1:9090/sites/a/"\nb = "http://example.com:8090/"\n'


def test_the_shipped_catalogue_is_the_repository_s() -> None:
    """The copy inside the package cannot fall behind."""
    root = Path(__file__).parents[3]
    assert plan.SHIPPED_CATALOGUE.read_text() == (root / "opsloop.toml").read_text()


def test_the_broker_syncs_every_message_and_listens_on_loopback_only() -> None:
    """What it acknowledged survives a power failure; a quote in the path breaks nothing."""
    text = embedded.config(PORTS, Path('/da"ta/nats'))
    assert "sync_interval: always" in text
    assert 'listen: "127.0.0.1:9422"' in text
    assert 'http: "127.0.0.1:9822"' in text
    assert 'store_dir: "/da\\"ta/nats"' in text
