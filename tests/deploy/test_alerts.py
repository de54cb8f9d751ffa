"""Rules and alerts, judged by Prometheus' and Alertmanager's own tools."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from debian import program

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS, ALERTMANAGER = DEPLOY / "prometheus", DEPLOY / "alertmanager"
TESTS = ("rules_test.yml", "rules_day_test.yml")
LOW = {
    "labels": {"alertname": "DealerPrecisionLow", "severity": "warning"},
    "annotations": {
        "summary": "naples <!channel>: GNN precision is 84%",
        "description": "Below 85 %.",
        "dashboard": "https://grafana.example/d/opsloop-dealer?var-dealer=naples",
    },
    "status": "firing",
}


def run(folder: Path, name: str, *arguments: str) -> str:
    finished = subprocess.run([str(program(name)), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_prometheus_takes_its_configuration() -> None:
    """With every lint an error."""
    run(PROMETHEUS, "promtool", "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")
    run(PROMETHEUS, "promtool", "check", "rules", "--lint=all", "--lint-fatal", "rules.yml")


def test_the_rules_say_what_they_should() -> None:
    """Each rule in the case that it is for, and in one that must not raise it."""
    run(PROMETHEUS, "promtool", "test", "rules", *TESTS)


def test_no_rule_is_untested() -> None:
    """A record is asked for; an alert is seen both raised and not."""
    rules, tests = (PROMETHEUS / "rules.yml").read_text(), "".join((PROMETHEUS / name).read_text() for name in TESTS)
    for record in re.findall(r"- record: (\S+)", rules):
        assert f"{record}" in re.findall(r"expr: (?:round\()?([\w:]+)", tests), record
    for alert in re.findall(r"- alert: (\S+)", rules):
        quiet = rf"alertname: {alert}, eval_time: \w+, exp_alerts: \[\]"
        raised = rf"alertname: {alert}\n\s+eval_time: \w+\n\s+exp_alerts:\n\s+- exp_labels"
        assert re.search(quiet, tests), f"{alert} is never seen quiet"
        assert re.search(raised, tests), f"{alert} is never seen raised"


def test_alertmanager_takes_its_configuration() -> None:
    """Routes, inhibition and Slack's receiver with its templates."""
    run(ALERTMANAGER, "amtool", "check-config", "alertmanager.yml")


@pytest.mark.parametrize(
    ("template", "alerts", "expected"),
    [
        ("title", [LOW], "🟠 naples !channel: GNN precision is 84%"),
        ("title", [LOW, LOW], "🟠 DealerPrecisionLow (2)"),
        ("text", [LOW], "Below 85 %."),
        (
            "text",
            [LOW, LOW],
            "• <https://grafana.example/d/opsloop-dealer?var-dealer=naples|naples !channel: GNN precision is 84%>\n" * 2
            + "Below 85 %.",
        ),
        ("link", [LOW], "https://grafana.example/d/opsloop-dealer?var-dealer=naples"),
        ("color", [LOW], "warning"),
    ],
)
def test_what_a_channel_reads(tmp_path: Path, template: str, alerts: list[object], expected: str) -> None:
    """A title that says what is wrong and where; a label that looks like a call to everybody calls nobody."""
    data = tmp_path / "data.json"
    data.write_text(
        json.dumps(
            {
                "status": "firing",
                "alerts": alerts,
                "groupLabels": {"alertname": "DealerPrecisionLow"},
                "commonLabels": {"severity": "warning"},
            }
        )
    )
    text = f'{{{{ template "opsloop.{template}" . }}}}'
    options = ("--template.glob=slack.tmpl", f"--template.data={data}", f"--template.text={text}")
    assert run(ALERTMANAGER, "amtool", "template", "render", *options).strip() == expected
