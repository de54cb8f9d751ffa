"""The dashboards without a Grafana: they are what the script writes, and every query in them means something."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.series import ROOT, exported
from opsloop_common.redact import Redactor
from opsloop_metrics import annotation
from opsloop_notifier.mrkdwn import Pen
from opsloop_notifier.style import Style
from unit.notifier.states import RUNNING, changed

GRAFANA = ROOT / "deploy" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
RULES = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text()
RECORDED = set(re.findall(r"- record: (\S+)", RULES))
ALERTING = re.findall(r"expr: (?:\|\n((?:          .*\n)+)|(.+)\n)", RULES)
SOURCE = "opsloop-prometheus"
# The parts of a parsed expression that hold expressions.
PARTS = ("expr", "lhs", "rhs", "vector_selector", "args", "param")
# What Grafana puts in, or a name as nasty as a dealer's may be.
VALUES = {"$__rate_interval": "1m", "$dealer": 'a\\"b'}


def expressions(node: object) -> Iterator[str]:
    """Every query of a dashboard: of panels, and of annotations."""
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def sources(node: object) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from (node[key]["uid"] for key in ("datasource",) if isinstance(node.get(key), dict))
        for value in node.values():
            yield from sources(value)
    elif isinstance(node, list):
        for value in node:
            yield from sources(value)


def names(expression: str) -> set[str]:
    """The series that an expression asks for."""
    found: set[str] = set()
    waiting: list[Any] = [promql_parser.parse(expression)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, promql_parser.VectorSelector):
            found.add(str(node.name))
        else:
            waiting += [getattr(node, part, None) for part in PARTS if getattr(node, part, None) is not None]
    return found


def test_the_files_are_what_the_script_writes() -> None:
    """Nobody edits them by hand."""
    command = [sys.executable, "scripts/dashboards.py", "--check"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{finished.stderr}run `python scripts/dashboards.py`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_grafana_knows_every_key(path: Path) -> None:
    """Read by the model of Grafana's own schema and written again, nothing is lost or changed."""
    register_default_plugins()
    text = path.read_text()
    again = JSONEncoder(sort_keys=True, indent=2).encode(Dashboard.from_json(json.loads(text)))
    assert json.loads(again) == json.loads(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_can_be_asked(path: Path) -> None:
    """It parses with any value for its variables, which stand in quotes, and asks for series that somebody exports."""
    known = RECORDED | exported()
    found = list(expressions(json.loads(path.read_text())))
    assert found
    for expression in found:
        for variable in set(re.findall(r"\$\w+", expression)) - {"$__rate_interval"}:
            assert f'"{variable}"' in expression, f"{variable} is not in quotes: {expression}"
        filled = expression
        for variable, value in VALUES.items():
            filled = filled.replace(variable, value)
        asked = names(filled)
        assert asked, expression
        assert asked <= known, f"nobody exports {asked - known}: {expression}"


def test_every_rule_asks_for_series_that_somebody_exports() -> None:
    """A metric that was renamed would leave an alert that never comes."""
    known = RECORDED | exported()
    expressions_of_rules = [(block or line).strip() for block, line in ALERTING]
    assert len(expressions_of_rules) == RULES.count("expr:")
    for expression in expressions_of_rules:
        assert names(expression), expression
        assert names(expression) <= known, f"nobody exports {names(expression) - known}: {expression}"


def test_the_fixed_names_are_the_same_everywhere() -> None:
    """The data source, the folder and the dashboards are found under the uids that others use."""
    assert f"uid: {SOURCE}" in (GRAFANA / "provisioning/datasources/prometheus.yaml").read_text()
    uids = {path.stem: json.loads(path.read_text())["uid"] for path in FILES}
    assert uids == {"dealer": "opsloop-dealer", "services": "opsloop-services"}
    for path in FILES:
        assert set(sources(json.loads(path.read_text()))) == {SOURCE, "-- Grafana --"}
    assert set(re.findall(r"/d/([\w-]+)", RULES)) == set(uids.values())


def test_a_card_links_to_the_dealers_dashboard() -> None:
    """The button in Slack opens it at the task's dealer and time."""
    (button,) = Style(("a-secret-of-sixteen",), Pen(Redactor()), "https://grafana.example/").grafana_button(RUNNING, 7)
    assert str(button["url"]).startswith(f"https://grafana.example/d/opsloop-dealer?var-dealer={RUNNING.target}&from=")


def test_marks_of_tasks_are_shown() -> None:
    """The annotations that tasks leave in Grafana: of all, and on a dealer's dashboard those of the dealer."""
    wanted = {"dealer": ["opsloop", "target:$dealer"], "services": ["opsloop"]}
    for path in FILES:
        marks = json.loads(path.read_text())["annotations"]["list"]
        (shown,) = [mark for mark in marks if mark["datasource"]["uid"] == "-- Grafana --" and mark["enable"]]
        assert shown["target"]["tags"] == wanted[path.stem]
        assert not shown["target"]["matchAny"]
    task = changed(RUNNING, target="naples-honda", attempt=1)
    mark = annotation.of(task, "")
    assert mark is not None
    assert {"opsloop", "target:naples-honda"} <= set(mark.tags)
