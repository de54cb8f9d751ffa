"""What the commands print: one screen each. Pure."""

from pathlib import Path

from opsloop_cli.plan import SANDBOX, process_names
from opsloop_cli.ports import LOOPBACK, Ports

PURPOSES = {
    SANDBOX: "a local Slack workspace and dealer sites",
    "ingress": "takes what Slack sends",
    "orchestrator": "decides and runs tasks",
    "notifier": "writes in Slack",
    "metrics": "Prometheus series at /metrics",
    "nats": "the broker",
}


def demo(ports: Ports, folder: Path, command: str, targets: tuple[str, ...], ready_seconds: float) -> str:
    """After the demo's start: what runs where, and what to do next."""
    sandbox = ports.url(SANDBOX)
    text = f"status {targets[0]}" if targets else "help"
    body = f'{{"user":"U0ALICE","channel":"C0OPS","command":"{command}","text":"{text}"}}'
    return "\n".join(
        [
            f"OpsLoop demo: everything is ready after {ready_seconds:.1f} s",
            "",
            *_table(ports, (SANDBOX, *process_names({}))),
            "",
            f"  data and logs  {folder}",
            "",
            "What to do next",
            f"  open        {sandbox}",
            "  or, in another terminal, type a command as Alice in #ops and look at the channel:",
            f"    curl -s {sandbox}/control/commands -d '{body}'",
            f"    curl -s '{sandbox}/control/messages?user=U0ALICE&channel=C0OPS'",
            "  check       opsloop demo --check    plays the whole tour by itself, in a folder of its own",
            "  stop        Ctrl-C                  the next start continues; --fresh forgets",
        ]
    )


def up(
    ports: Ports,
    broker: str,
    off: list[str],
    ready_seconds: float,
    *,
    over_http: bool = True,
    socket_mode: bool = False,
) -> str:
    """After `up`: what runs where, how Slack's requests arrive, and what is off."""
    return "\n".join(
        [
            f"OpsLoop: everything is ready after {ready_seconds:.1f} s; broker {broker}",
            "",
            *_table(ports, tuple(ports.of)),
            "",
            *(["Socket Mode: ingress is connected to Slack, no request URL is needed.", ""] if socket_mode else []),
            *(_request_urls(ports) if over_http else []),
            *(["Off:", *(f"  {line}" for line in off)] if off else ["Nothing is off."]),
            "",
            "Ctrl-C stops everything.",
        ]
    )


def _request_urls(ports: Ports) -> list[str]:
    ingress = [name for name in ports.of if name.startswith("ingress")]
    return [
        "Slack's request URLs must lead here:",
        *(f"  {ports.url(name)}/slack/commands, /slack/interactions, /slack/events" for name in ingress),
        "",
    ]


def stopped(folder: Path) -> str:
    return f"stopped; tasks and messages are kept in {folder}"


def _table(ports: Ports, names: tuple[str, ...]) -> list[str]:
    rows = [(name, ports.url(name)) for name in names]
    if ports.nats:
        rows.append(("nats", f"nats://{LOOPBACK}:{ports.nats}"))
    return [f"  {name:<14} {url:<28} {PURPOSES[name.partition('-')[0]]}" for name, url in rows]
