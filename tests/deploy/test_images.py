"""The Dockerfile and what it installs, judged without an engine."""

import http.server
import importlib.util
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from deploy.series import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES = ("ingress", "orchestrator", "notifier", "metrics", "sandbox", "cli")
PINNED = re.compile(r"^([A-Za-z0-9._-]+==[^ ;\\]+)", re.MULTILINE)
EXPORT = "uv export --quiet --no-dev --no-emit-workspace --no-emit-index-url --no-header --package"


def script(path: str) -> ModuleType:
    """A file that is run where nothing of ours is installed."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def installed(*members: str) -> str:
    command = [sys.executable, "scripts/image_requirements.py", *members]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_hadolint_finds_nothing() -> None:
    """Its default rules, all of them."""
    command = [str(Path(sys.executable).parent / "hadolint"), "--failure-threshold", "style", "Dockerfile"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_gets_the_part_of_the_lock_that_its_service_needs(service: str) -> None:
    """The same versions as uv would resolve for this member alone, each with its hashes; nothing of the tests'."""
    found = installed(f"opsloop-{service}")
    exported = subprocess.run(
        [*EXPORT.split(), f"opsloop-{service}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(PINNED.findall(found)) == set(PINNED.findall(exported))
    assert "pytest==" not in found
    entries = re.split(r"^(?=[A-Za-z0-9])", found, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


def test_an_orchestrator_gets_its_task_pack_and_what_that_needs() -> None:
    """The pack is named beside the service."""
    assert "opsloop-dealership" in installed("--members", "opsloop-orchestrator", "opsloop-dealership")
    assert "extruct==" in installed("opsloop-orchestrator", "opsloop-dealership")
    assert "extruct==" not in installed("opsloop-orchestrator")


def test_an_unknown_service_is_no_image() -> None:
    """A misspelt SERVICE ends the build."""
    with pytest.raises(subprocess.CalledProcessError):
        installed("opsloop-nothing")


def test_the_image_is_closed() -> None:
    """Hashes are required, nobody is root, and its last stage has neither uv nor sources."""
    assert "uv pip install --quiet --require-hashes" in DOCKERFILE
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in last
    assert "HEALTHCHECK" in last
    copied = re.findall(r"^COPY (.+)$", last, re.MULTILINE)
    assert copied == ["--from=installed /app /app", "deploy/image/healthcheck.py /healthcheck.py"]
    assert "# syntax=" not in DOCKERFILE, "the frontend would be fetched from elsewhere"


def test_nothing_secret_gets_into_a_build() -> None:
    """Everything is left out that is not named."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert not [line for line in lines if line.startswith("!") and ("secret" in line or ".env" in line)]


class _Answering(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def service_port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_the_service(
    service_port: int, monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    """Its answer is the exit code."""
    monkeypatch.setattr(_Answering, "status", status)
    monkeypatch.setenv("SERVICE", "notifier")
    monkeypatch.setenv("OPSLOOP_HOST", "0.0.0.0")  # noqa: S104 - what an image has
    monkeypatch.setenv("NOTIFIER_PORT", str(service_port))
    assert script("deploy/image/healthcheck.py").main() == code


def test_the_health_check_says_no_when_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that nobody listens on."""
    monkeypatch.setenv("SERVICE", "ingress")
    monkeypatch.setenv("INGRESS_PORT", "9")
    assert script("deploy/image/healthcheck.py").main() == 1
