"""The command line: what can be asked, and what a typing mistake probably meant."""

import argparse
import difflib
from collections.abc import Sequence
from typing import get_args

import msgspec

from opsloop_common.reports import ReportState

VERBS = {
    "demo": "run everything on this machine, with a local Slack; nothing else is needed",
    "up": "run the services against the Slack and the broker that the environment names",
    "doctor": "look at what the environment names, and say what is wrong and what mends it",
    "provision": "create or verify the streams in the broker at NATS_URL",
    "task": "see, cancel or retry tasks without Slack, in the broker at NATS_URL",
    "publish": "report of a task of another system, and hear what became of it",
    "conformance": "tell a publisher what is wrong with its events",
    "audit": "verify the record of decisions, in the broker at NATS_URL",
    "dlq": "see, replay or drop what could not be processed, in the broker at NATS_URL",
}

DEMO = """\
Runs a broker, a local Slack workspace, dealer sites and the four services as separate processes. State is kept
in the data folder, so the next start continues where this one stopped. Ctrl-C stops everything."""

UP = """\
Runs the four services as separate processes. Required: SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET (or SLACK_APP_TOKEN for
Socket Mode), and OPSLOOP_SECRET when NATS_URL names a broker (without NATS_URL a broker is started here). What is
missing or malformed is listed."""


AUDIT = """\
Reads the record of every decision. Each shard's is a chain: the newest hash of each, kept elsewhere, proves later that
nothing before it was changed. Exits with 1 when a chain is broken."""

DOCTOR = """\
Looks at what the environment names: Slack, the public address, the broker and its streams, Clerk, Prometheus, Grafana,
clocks. Changes nothing. Exits with 1 if something is wrong, with 0 if there are only warnings."""

DLQ = """\
The dead letters: messages that a service could not decode, or that made it fail. They stay for 30 days."""

TASK = """\
Tasks as the broker has them. Whoever may reach the broker counts as an owner of every task, but not as a verified
person: a task for verified people is retried in Slack."""

TASK_ACTIONS = {
    "show": "everything about one",
    "cancel": "stop one, and wait for its end",
    "retry": "try a failed one again",
}

PUBLISH = """\
Reports of a task that runs elsewhere; its card is shown like any other. PUBLISHER is a name of [publishers] in the
catalogue, TASK any id of letters, digits, '_' and '-'. A task's first event needs --title and --state or --percent,
later ones only what is new. Prints what became of it; exits with 1 when it was rejected."""

CONFORMANCE = """\
Reads events, one JSON document a line, from a file or standard input, or listens on the broker, and tells for each that
would be rejected where it is wrong, what is expected, and how to mend it. Publishes nothing."""

PUBLISH_TEXTS = {
    "title": "what the task is called",
    "channel": "the id of the channel for the card (default: the publisher's first)",
    "target": "the name of a target of the catalogue",
    "step": "the step that is done",
    "error": "why it failed",
    "summary": "what came of it",
    "owner": "for whom it runs",
    "id": "the event's own id: sent twice, it counts once",
}
PUBLISH_LISTS = {
    "log": ("LINE", "a line for its log"),
    "link": ("LABEL=URL", "a way to more; https"),
    "button": ("LABEL=ID[:STYLE]", "a button of its own; STYLE is primary or danger"),
}

LETTER_ACTIONS = {
    "show": "everything about one, with the message itself",
    "replay": "hand a request to the orchestrator again, as it was, and forget the letter",
    "drop": "forget one",
}


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked. `data` is empty where the environment decides; `scale` holds SERVICE=N as typed;
    `letter` is the number of a dead letter, `task` the id of a task, `target` the target whose tasks are listed. From
    `publisher` on they are those of `publish` (which has a target, too) and `conformance`."""

    verb: str
    fresh: bool = False
    check: bool = False
    json: bool = False
    data: str = ""
    scale: tuple[str, ...] = ()
    action: str = ""
    letter: int = 0
    task: str = ""
    target: str = ""
    publisher: str = ""
    task_id: str = ""
    title: str = ""
    state: ReportState | None = None
    percent: float | None = None
    channel: str = ""
    step: str = ""
    log: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    error: str = ""
    summary: str = ""
    button: tuple[str, ...] = ()
    sequence: int = 0
    id: str = ""
    owner: str = ""
    file: str = ""
    listen: float = 0


def read(words: Sequence[str]) -> Arguments:
    """The arguments. Exits with help (0) or with one line about the mistake (2), as argparse does."""
    parser = _parser()
    if words and not words[0].startswith("-") and words[0] not in VERBS:
        parser.exit(2, f"opsloop: {unknown_verb(words[0])}\n")
    found = parser.parse_args(words)
    if found.verb is None:
        parser.print_help()
        parser.exit(2)
    arguments = msgspec.convert({key: value for key, value in vars(found).items() if value is not None}, Arguments)
    if arguments.json and not arguments.check and arguments.verb not in ("task", "doctor"):
        parser.exit(2, "opsloop: --json belongs to --check: try `opsloop demo --check --json`\n")
    if arguments.check and (arguments.fresh or arguments.data):
        parser.exit(2, "opsloop: --check uses a folder of its own: leave out --fresh and --data\n")
    return arguments


def unknown_verb(word: str) -> str:
    close = difflib.get_close_matches(word.lower(), VERBS, n=1, cutoff=0.4)
    hint = f"did you mean `opsloop {close[0]}`?" if close else f"known are {', '.join(VERBS)}"
    return f"no command {word!r}; {hint}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="opsloop", description="Operational tasks from Slack, live and exact to the end."
    )
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND")
    demo = verbs.add_parser("demo", help=VERBS["demo"], description=DEMO)
    demo.add_argument("--fresh", action="store_true", help="forget what earlier runs left in the data folder")
    demo.add_argument(
        "--check", action="store_true", help="play the tour in a folder of its own and verify every message"
    )
    demo.add_argument("--json", action="store_true", help="with --check: one JSON document instead of text")
    demo.add_argument("--data", metavar="DIR", default="", help="the data folder (default: OPSLOOP_DATA or .opsloop)")
    up = verbs.add_parser("up", help=VERBS["up"], description=UP)
    up.add_argument("--data", metavar="DIR", default="", help="the data folder (default: OPSLOOP_DATA or .opsloop)")
    up.add_argument(
        "--scale", metavar="SERVICE=N", action="append", help="run N of a service, e.g. ingress=2; repeatable"
    )
    doctor = verbs.add_parser("doctor", help=VERBS["doctor"], description=DOCTOR)
    doctor.add_argument(
        "--channel", metavar="ID", help="post a message there, look whether it is found again, and delete it"
    )
    doctor.add_argument("--json", action="store_true", help="JSON instead of text")
    verbs.add_parser("provision", help=VERBS["provision"], description=VERBS["provision"])
    verbs.add_parser("audit", help=VERBS["audit"], description=AUDIT)
    _task(verbs.add_parser("task", help=VERBS["task"], description=TASK))
    _publish(verbs.add_parser("publish", help=VERBS["publish"], description=PUBLISH))
    _conformance(verbs.add_parser("conformance", help=VERBS["conformance"], description=CONFORMANCE))
    _dlq(verbs.add_parser("dlq", help=VERBS["dlq"], description=DLQ))
    return parser


def _task(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="open tasks and those of the last days, one line each, the oldest first")
    listing.add_argument("--target", metavar="TARGET", default="", help="only those of one target")
    for action, help in TASK_ACTIONS.items():
        actions.add_parser(action, help=help).add_argument("task", metavar="ID", help="as the list has it")
    for one in actions.choices.values():
        one.add_argument("--json", action="store_true", help="JSON instead of text")


def _publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("publisher", metavar="PUBLISHER")
    parser.add_argument("task_id", metavar="TASK")
    parser.add_argument("--state", choices=get_args(ReportState))
    parser.add_argument("--percent", type=float, metavar="N", help="0 to 100")
    parser.add_argument("--sequence", type=int, metavar="N", help="grows with every event of the task")
    for name, help in PUBLISH_TEXTS.items():
        parser.add_argument(f"--{name}", metavar="TEXT", help=help)
    for name, (metavar, help) in PUBLISH_LISTS.items():
        parser.add_argument(f"--{name}", action="append", metavar=metavar, help=f"{help}; repeatable")


def _conformance(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("publisher", metavar="PUBLISHER")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("file", nargs="?", metavar="FILE", help="events, one a line; - is standard input")
    source.add_argument("--listen", type=float, metavar="SECONDS", help="hear what it publishes for so long")


def _dlq(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="one line each, the oldest first")
    for action, help in LETTER_ACTIONS.items():
        actions.add_parser(action, help=help).add_argument(
            "letter", type=int, metavar="N", help="its number in the list"
        )
