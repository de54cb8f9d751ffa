"""compose.yaml without an engine: it is valid, everything in it is closed, and others' files fit it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from debian import program
from deploy.series import ROOT

SERVICES = ("ingress", "orchestrator", "notifier", "metrics")
OWN = (*SERVICES, "provision", "sandbox")


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    """What compose makes of the file, with all profiles."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "COMPOSE_PROFILES": "*"}
    finished = subprocess.run(
        [str(program("docker-compose")), "-f", "compose.yaml", "config", "--format", "json"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def test_it_follows_the_specification() -> None:
    """A key that compose would ignore is an error."""
    command = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    finished = subprocess.run([*command, "compose.yaml"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout


def test_every_container_is_closed(composed: dict[str, Any]) -> None:
    """Read-only, without capabilities or a way to get them, limited, and without a fixed name, so that it scales."""
    for name, service in composed["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "container_name" not in service, name
        assert "privileged" not in service, name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert [port["host_ip"] for port in service.get("ports", [])] == ["127.0.0.1"] * len(service.get("ports", []))


def test_what_scales_publishes_no_port(composed: dict[str, Any]) -> None:
    """`--scale` of these needs no other change."""
    for name in ("orchestrator", "notifier", "metrics"):
        assert "ports" not in composed["services"][name], name


def test_services_start_after_the_streams_are_there(composed: dict[str, Any]) -> None:
    """Provisioned after the broker is healthy."""
    for name in SERVICES:
        needed = composed["services"][name]["depends_on"]
        assert needed["provision"]["condition"] == "service_completed_successfully", name
    assert composed["services"]["provision"]["depends_on"]["nats"]["condition"] == "service_healthy"


def test_all_read_the_same_catalogue(composed: dict[str, Any]) -> None:
    """Provisioning too: it makes a stream for each publisher."""
    for name in OWN:
        service = composed["services"][name]
        mounted = [one["target"] for one in service["volumes"] if one["source"].endswith("opsloop.toml")]
        assert mounted == [service["environment"]["OPSLOOP_CONFIG"]], name


def test_the_sandbox_runs_only_when_asked_for(composed: dict[str, Any]) -> None:
    """And nothing else waits for it."""
    assert composed["services"]["sandbox"]["profiles"] == ["sandbox"]
    for name, service in composed["services"].items():
        assert "sandbox" not in service.get("depends_on", {}), name


def test_each_image_is_built_with_its_service(composed: dict[str, Any]) -> None:
    """Own images from the one Dockerfile; the others have a version."""
    for name, service in composed["services"].items():
        if name in OWN:
            assert service["build"]["args"]["SERVICE"] == service["image"].removeprefix("opsloop-"), name
        else:
            assert not service["image"].endswith(":latest"), name
            assert ":" in service["image"], name
    assert composed["services"]["orchestrator"]["build"]["args"]["PACKS"] == "opsloop-dealership"


def test_prometheus_bounds_what_a_query_costs(composed: dict[str, Any]) -> None:
    """A deadline alone bounds neither memory nor time."""
    command = composed["services"]["prometheus"]["command"]
    assert any(word.startswith("--query.max-samples=") for word in command)
    assert any(word.startswith("--query.timeout=") for word in command)


def test_the_broker_reads_its_configuration() -> None:
    """nats-server itself checks the file; what was acknowledged is on disk."""
    server, file = Path(sys.executable).parent / "nats-server", ROOT / "deploy/nats/nats.conf"
    finished = subprocess.run([str(server), "-t", "-c", str(file)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "sync_interval: always" in file.read_text()


def test_the_files_of_secrets_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each secret; what cannot be made up is empty, and a second time changes nothing."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import container_files  # type: ignore[import-not-found]  # a script, in no package

    container_files.write_secrets(tmp_path / "secrets", container_files.MADE_UP)
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert len(first) >= 10
    assert {name for name, text in first.items() if text} == {"opsloop_secret", "grafana_admin_password"}
    assert len(first["opsloop_secret"]) == 48
    container_files.write_secrets(tmp_path / "secrets", container_files.MADE_UP)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == first
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
