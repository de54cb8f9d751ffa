"""What the commands print."""

from pathlib import Path

from opsloop_cli import screen
from opsloop_cli.ports import Ports

PORTS = Ports(
    host="127.0.0.1",
    of={"sandbox": 9090, "ingress": 9080, "orchestrator": 9081, "notifier": 9082, "metrics": 9083},
    nats=9422,
)


def test_the_demo_says_what_runs_where_and_what_to_do_next() -> None:
    """Every address, the folder, a command to paste, the check and the way out; in one screen."""
    text = screen.demo(PORTS, Path("/data"), "/ops", ("naples-honda",), 1.23)
    wanted = [
        "ready after 1.2 s",
        "nats://127.0.0.1:9422",
        "/data",
        "opsloop demo --check",
        "Ctrl-C",
        '"command":"/ops"',
    ]
    wanted += [f"http://127.0.0.1:{port}" for port in (9090, 9080, 9081, 9082, 9083)]
    assert [one for one in wanted if one not in text] == []
    assert len(text.splitlines()) <= 24


def test_up_says_what_slack_must_know_and_what_is_off() -> None:
    """The request URLs of every ingress, and one line for each thing that is off."""
    ports = Ports(host="127.0.0.1", of={"ingress": 1, "ingress-2": 2, "notifier": 3})
    text = screen.up(ports, "nats://broker", ["GRAFANA_URL is not set: no Grafana links"], 2.0)
    wanted = ["http://127.0.0.1:1/slack/commands", "http://127.0.0.1:2/slack/commands", "GRAFANA_URL", "nats://broker"]
    assert [one for one in wanted if one not in text] == []
    assert "nats://127.0.0.1" not in text


def test_up_asks_for_no_request_url_where_socket_mode_is_the_only_way() -> None:
    """With both ways both are told."""
    ports = Ports(host="127.0.0.1", of={"ingress": 1})
    alone = screen.up(ports, "nats://broker", [], 2.0, over_http=False, socket_mode=True)
    assert "Socket Mode" in alone
    assert "/slack/commands" not in alone
    both = screen.up(ports, "nats://broker", [], 2.0, socket_mode=True)
    assert "Socket Mode" in both
    assert "/slack/commands" in both
