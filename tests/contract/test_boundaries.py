"""Who may import whom, and what common may be."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

COMMON_MODULES = {
    "answers",
    "audit",
    "bus",
    "buttons",
    "catalogue",
    "checkpoints",
    "codec",
    "commands",
    "crash",
    "events",
    "external",
    "forms",
    "log",
    "measures",
    "notices",
    "outbox",
    "params",
    "people",
    "probe",
    "publishers",
    "quantities",
    "records",
    "redact",
    "reports",
    "run_links",
    "runtime",
    "service",
    "settings",
    "signing",
    "subjects",
    "task",
    "tracing",
}
COMMON_DEPENDENCIES = {"msgspec", "nats-py", "opentelemetry-api", "prometheus-client", "structlog"}
FORBIDDEN_NAMES = {"utils", "helpers", "misc", "base", "core", "manager", "common", "types"}


def test_the_boundaries_hold() -> None:
    """Services do not import each other; what decides is pure; only the bus knows the broker's client."""
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command is not None
    finished = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout


def test_common_is_a_closed_list() -> None:
    """A new module in common is a decision, not an accident."""
    folder = ROOT / "libs/common/src/opsloop_common"
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__"} == COMMON_MODULES


def test_common_stays_light() -> None:
    """Every service pays for what common needs."""
    project = tomllib.loads((ROOT / "libs/common/pyproject.toml").read_text())
    assert set(project["project"]["dependencies"]) == COMMON_DEPENDENCIES


def test_common_knows_no_chat_product() -> None:
    """A conversation is a value there, never a channel of Slack."""
    for path in (ROOT / "libs/common/src").rglob("*.py"):
        assert "slack" not in path.read_text().lower().replace("slack_bot_token", ""), path


def test_no_module_is_a_drawer() -> None:
    """A module is named by what it holds."""
    for path in [*ROOT.glob("libs/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]:
        assert path.stem not in FORBIDDEN_NAMES | (sys.stdlib_module_names - {"__main__"}), path
