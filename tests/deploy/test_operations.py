"""The runbook names what there is: every alert, no other; commands and variables that exist."""

import re

import pytest
import yaml

from deploy.series import ROOT, exported
from opsloop_cli import arguments

BOOK = (ROOT / "docs/operations.md").read_text()
OF_EXTERNALS = {"STORE_DIR"}


def test_every_alert_is_explained() -> None:
    """By its name, once; none that is no more."""
    groups = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
    alerts = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    rows = re.findall(r"^\| ([A-Z]\w+) \|", BOOK, re.MULTILINE)
    assert sorted(rows) == sorted(alerts)


def test_every_command_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    """With its action and its options."""
    asked = {line.split("#")[0].strip() for line in re.findall(r"\bopsloop ([a-z][^`\n&|;]*)", BOOK)}
    assert len(asked) > 5
    for words in asked:
        line = [{"ID": "07-x", "N": "1"}.get(word, word) for word in words.split()]
        arguments.read([word.rstrip(",") for word in line])
    assert capsys.readouterr().err == ""


def test_every_variable_and_series_is_one() -> None:
    """As .env.example and the code have them."""
    known = set(re.findall(r"^#([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    named = {name.removesuffix("_FILE") for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", BOOK)}
    assert named - known - OF_EXTERNALS == set()
    series = set(re.findall(r"\b(?:notifier|opsloop_notifier)_\w+", BOOK))
    bases = {name.removesuffix("_bucket") for name in exported()}
    assert series - bases == set()
